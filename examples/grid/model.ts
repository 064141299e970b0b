import { features } from './features.ts'
import trained from './model.json' with { type: 'json' }
import type { Reading } from './simulator.ts'

/** A linear model trained by `train.ts`; its version goes with every prediction. */
export const model: { readonly version: number; readonly weights: readonly number[] } = trained

/** The station's demand in the hour after the window, or undefined where the window says too little. */
export function forecastNext(window: readonly Reading[]): number | undefined {
  const f = features(window)
  if (f === undefined) return undefined
  let scaled = 0
  for (let i = 0; i < f.values.length; i++) scaled += f.values[i]! * model.weights[i]!
  return Math.round((f.low + scaled * (f.high - f.low)) * 100) / 100
}
