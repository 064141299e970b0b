import type { Reading } from './simulator.ts'

export const WINDOW = 20
export const FEATURES = WINDOW + 24 + 2

export interface Features {
  /** The window's values scaled to 0…1, newest first (short windows repeat their oldest), then the hour and weekend of the hour to come, one-hot. */
  readonly values: number[]
  /** What 0 and 1 stand for, in megawatts. */
  readonly low: number
  readonly high: number
}

/** Undefined where there is nothing to scale by yet. */
export function features(window: readonly Reading[]): Features | undefined {
  if (window.length < 2) return undefined
  let low = Number.POSITIVE_INFINITY
  let high = Number.NEGATIVE_INFINITY
  for (const r of window) {
    if (r.megawatts < low) low = r.megawatts
    if (r.megawatts > high) high = r.megawatts
  }
  const { at } = window.at(-1)!
  const hour = /T(\d\d)/.exec(at)?.[1]
  if (high === low || hour === undefined) return undefined
  const values = new Array<number>(FEATURES).fill(0)
  for (let i = 0; i < WINDOW; i++) values[i] = (window[Math.max(0, window.length - 1 - i)]!.megawatts - low) / (high - low)
  values[WINDOW + ((Number(hour) + 1) % 24)] = 1
  // Metered files have dates of many kinds: where it is no date, whether it is a weekend is left open.
  const next = new Date(Date.parse(`${at}Z`) + 3_600_000)
  if (!Number.isNaN(next.getTime())) values[WINDOW + 24 + (next.getUTCDay() % 6 === 0 ? 1 : 0)] = 1
  return { values, low, high }
}
