import type { Clock } from './clock.ts'

export interface Waits {
  readonly firstMs: number
  /** Each wait is twice the one before, up to this. */
  readonly longestMs: number
}

/** Takes a step again for as long as what it needs is away, and tells once an outage. */
export class Patience<Away extends Error> {
  protected readonly clock: Clock
  readonly #waits: Waits
  readonly #isAway: (error: unknown) => error is Away
  readonly #held: (error: Away | undefined) => void
  #away = false

  /**
   * @param isAway whether waiting may mend it.
   * @param held told once an outage, for people, and with undefined when it is over.
   */
  constructor(clock: Clock, waits: Waits, isAway: (error: unknown) => error is Away, held: (error: Away | undefined) => void) {
    this.clock = clock
    this.#waits = waits
    this.#isAway = isAway
    this.#held = held
  }

  /** @throws what is not mended by waiting, and what {@link pause} throws: the signal's reason when it aborts while waiting. */
  async until<T>(step: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    for (let waitMs = this.#waits.firstMs; ; waitMs = Math.min(waitMs * 2, this.#waits.longestMs)) {
      try {
        const result = await step()
        if (this.#away) this.#tell(undefined)
        return result
      } catch (error) {
        if (!this.#isAway(error)) throw error
        if (!this.#away) this.#tell(error)
        await this.pause(waitMs, signal)
      }
    }
  }

  protected pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    return this.clock.sleep(waitMs, signal)
  }

  #tell(error: Away | undefined): void {
    this.#away = error !== undefined
    this.#held(error)
  }
}
