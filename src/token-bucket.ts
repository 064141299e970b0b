import type { Clock } from './clock.ts'

/**
 * So many a second in the long run, and a burst of them at once (https://en.wikipedia.org/wiki/Token_bucket). How many something takes may be known
 * only afterwards: what was taken beyond what there was is a debt, which is paid back first.
 */
export class TokenBucket {
  readonly #clock: Clock
  #perSecond: number
  #burst: number
  #left: number
  #atMs: number

  /** @param burst saved up at most, and there at the beginning; left out, it is what comes in a second. */
  constructor(perSecond: number, clock: Clock, burst = perSecond) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#burst = burst
    this.#left = burst
    this.#atMs = clock.now()
  }

  /** From now on so many a second, saved up for a second. */
  set perSecond(value: number) {
    this.#refill()
    this.#perSecond = value
    this.#burst = value
    this.#left = Math.min(this.#left, value)
  }

  get left(): number {
    this.#refill()
    return this.#left
  }

  take(count: number): void {
    this.#refill()
    this.#left -= count
  }

  #refill(): void {
    const nowMs = this.#clock.now()
    // A clock that is set back gives nothing, and takes nothing.
    const passedMs = Math.max(0, nowMs - this.#atMs)
    this.#left = Math.min(this.#burst, this.#left + (passedMs / 1_000) * this.#perSecond)
    this.#atMs = nowMs
  }
}
