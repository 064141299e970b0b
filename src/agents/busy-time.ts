/**
 * Time in which at least one thing was going on, however many went on at once: two that wait side by side for a second are one second. So
 * what it counts of a thread is never more than the time that has passed.
 */
export class BusyTime {
  readonly #within: BusyTime | undefined
  readonly #measured: (() => number) | undefined
  #count = 0
  #sinceMs = 0
  #ms = 0

  /**
   * @param within what this is a part of, such as the thread of a partition: busy while any of its parts is.
   * @param measured what {@link takeMs} gives in place of what is counted here: where programs do the work, they know better.
   */
  constructor(within?: BusyTime, measured?: () => number) {
    this.#within = within
    this.#measured = measured
  }

  begin(nowMs: number): void {
    if (this.#count++ > 0) return
    this.#sinceMs = nowMs
    this.#within?.begin(nowMs)
  }

  end(nowMs: number): void {
    if (--this.#count > 0) return
    this.#ms += nowMs - this.#sinceMs
    this.#within?.end(nowMs)
  }

  /** Milliseconds since the last call; what still goes on counts up to now. */
  takeMs(nowMs: number): number {
    if (this.#measured !== undefined) return this.#measured()
    if (this.#count > 0) {
      this.#ms += nowMs - this.#sinceMs
      this.#sinceMs = nowMs
    }
    const ms = this.#ms
    this.#ms = 0
    return ms
  }
}
