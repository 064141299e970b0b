import type { Clock } from '../clock.ts'

/** Portions are small enough for so many a second, so that data flow instead of coming in gusts. */
const PORTIONS_A_SECOND = 10
const LARGEST_PORTION = 500

/** Lets so many a second pass, evenly. */
export class Pace {
  readonly #perSecond: number
  readonly #clock: Clock
  readonly #signal: AbortSignal
  #dueMs: number

  /** @param perSecond Infinity: as many as come. */
  constructor(perSecond: number, clock: Clock, signal: AbortSignal) {
    this.#perSecond = perSecond
    this.#clock = clock
    this.#signal = signal
    this.#dueMs = clock.now()
  }

  /** How many pass at once. */
  get portion(): number {
    return Math.max(1, Math.min(LARGEST_PORTION, Math.ceil(this.#perSecond / PORTIONS_A_SECOND)))
  }

  /** Waits until more may pass. @returns false where it was interrupted: then nothing may. */
  async ready(): Promise<boolean> {
    const waitMs = this.#dueMs - this.#clock.now()
    return waitMs > 0 ? this.wait(waitMs) : !this.#signal.aborted
  }

  /** So many have passed. Where they come slower than they may, the time that was not used does not let a gust pass later. */
  took(count: number): void {
    this.#dueMs = Math.max(this.#dueMs, this.#clock.now()) + (count / this.#perSecond) * 1_000
  }

  /** @returns false where it was interrupted. */
  async wait(ms: number): Promise<boolean> {
    // Rejected only where the signal aborts, and that is looked at.
    await this.#clock.sleep(ms, this.#signal).catch(() => undefined)
    return !this.#signal.aborted
  }
}

/** In pieces of so many. */
export function* portions<T>(items: readonly T[], size: number): Generator<readonly T[], void> {
  for (let at = 0; at < items.length; at += size) yield items.slice(at, at + size)
}
