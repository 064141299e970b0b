import type { Clock } from '../clock.ts'
import { isMillraceError } from '../errors.ts'

const FIRST_WAIT_MS = 250
const LONGEST_WAIT_MS = 30_000

/**
 * Tries again for as long as the store is away or the disk is full. Data wait in the stream meanwhile and nothing goes to the dead
 * letters: it is the store that fails, not the data.
 */
export class Patience {
  readonly #clock: Clock
  readonly #held: (error: Error | undefined) => void
  #away = false

  /** @param held told once an outage, for people, and with undefined when it is over. */
  constructor(clock: Clock, held: (error: Error | undefined) => void) {
    this.#clock = clock
    this.#held = held
  }

  /** @throws what is not mended by waiting; the signal's reason when it aborts while waiting. */
  async until<T>(step: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      try {
        const result = await step()
        if (this.#away) this.#tell(undefined)
        return result
      } catch (error) {
        if (!isMillraceError(error, 'STORE_UNAVAILABLE') && !isMillraceError(error, 'DISK_FULL')) throw error
        if (!this.#away) this.#tell(error)
        await this.#clock.sleep(waitMs, signal)
      }
    }
  }

  #tell(error: Error | undefined): void {
    this.#away = error !== undefined
    this.#held(error)
  }
}
