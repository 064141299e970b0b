import type { Sizing } from '../instrumentation/sizing.ts'

/** How long a size must be called for before it is gone to: coming is quick, going is slow, for each change costs a new sharing-out. */
export interface Pace {
  readonly upMs: number
  readonly downMs: number
  /** Up only where data wait for so long: a replica that is busy and keeps up needs no other beside it. */
  readonly upLagMs: number
}

export const PACE: Pace = { upMs: 6_000, downMs: 60_000, upLagMs: 2_000 }

/**
 * Turns what the load asks for at each moment into a number of replicas that does not flutter: up when more were asked for all the time, to
 * the fewest of them; down by one when fewer were. After each change it begins anew.
 */
export class Hysteresis {
  readonly #pace: Pace
  #aboveMs: number | undefined
  /** The fewest that were asked for since then. */
  #least = Number.POSITIVE_INFINITY
  #belowMs: number | undefined

  constructor(pace: Pace = PACE) {
    this.#pace = pace
  }

  /** @param sizing undefined where nobody knows. @returns how many there are to be. */
  next(nowMs: number, current: number, sizing: Sizing | undefined, lagMs: number): number {
    const { upMs, downMs, upLagMs } = this.#pace
    const asked = sizing?.replicas ?? current
    const isAbove = asked > current && lagMs >= upLagMs
    this.#aboveMs = isAbove ? (this.#aboveMs ?? nowMs) : undefined
    this.#least = isAbove ? Math.min(this.#least, asked) : Number.POSITIVE_INFINITY
    this.#belowMs = asked < current ? (this.#belowMs ?? nowMs) : undefined
    if (this.#aboveMs !== undefined && nowMs - this.#aboveMs >= upMs) return this.#changed(this.#least)
    if (this.#belowMs !== undefined && nowMs - this.#belowMs >= downMs) return this.#changed(current - 1)
    return current
  }

  /** What was seen before says nothing of what is now. */
  reset(): void {
    this.#changed(0)
  }

  #changed(count: number): number {
    this.#aboveMs = undefined
    this.#belowMs = undefined
    this.#least = Number.POSITIVE_INFINITY
    return count
  }
}
