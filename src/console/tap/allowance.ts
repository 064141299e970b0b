import type { Clock } from '../../clock.ts'

/** So much a second, saved up for a second at most. What was taken beyond it is paid back first. */
export class Allowance {
  readonly #clock: Clock
  #perSecond: number
  #left: number
  #atMs: number

  constructor(perSecond: number, clock: Clock) {
    this.#clock = clock
    this.#perSecond = perSecond
    this.#left = perSecond
    this.#atMs = clock.now()
  }

  set perSecond(value: number) {
    this.#refill()
    this.#perSecond = value
    this.#left = Math.min(this.#left, value)
  }

  get left(): number {
    this.#refill()
    return this.#left
  }

  take(count: number): void {
    this.#left -= count
  }

  #refill(): void {
    const nowMs = this.#clock.now()
    // A clock that is set back gives nothing, and takes nothing.
    const passedMs = Math.max(0, nowMs - this.#atMs)
    this.#left = Math.min(this.#perSecond, this.#left + (passedMs / 1_000) * this.#perSecond)
    this.#atMs = nowMs
  }
}
