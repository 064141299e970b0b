import type { Clock } from '../../clock.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'

const FIRST_WAIT_MS = 100
const LONGEST_WAIT_MS = 2_000

/**
 * Holds a call to the trace for as long as the trace is away. Data wait in the stream meanwhile: to go on without it would lose nothing,
 * but do work twice and leave what happens now without a trace.
 */
export class Patience {
  readonly #clock: Clock
  readonly #held: (error: MillraceError | undefined) => void
  readonly #closed = new AbortController()
  #away = false

  /** @param held told when the trace goes away, and with undefined when it is back. */
  constructor(clock: Clock, held: (error: MillraceError | undefined) => void) {
    this.#clock = clock
    this.#held = held
  }

  /** @throws what is not mended by waiting; ENGINE_CLOSED when {@link close} comes first; LEASE_LOST when the signal aborts while it waits. */
  async until<T>(step: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const over = signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal])
    for (let waitMs = FIRST_WAIT_MS; ; waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)) {
      try {
        const result = await step()
        if (this.#away) this.#tell(undefined)
        return result
      } catch (error) {
        if (!isMillraceError(error, 'TRACE_UNAVAILABLE')) throw error
        if (!this.#away) this.#tell(error)
        await this.#clock.sleep(waitMs, over).catch(reason => {
          if (this.#closed.signal.aborted) throw reason
          throw new MillraceError('LEASE_LOST', 'The lease ended while the trace was away.', { cause: reason })
        })
      }
    }
  }

  close(): void {
    this.#closed.abort(new MillraceError('ENGINE_CLOSED', 'The engine was closed.'))
  }

  #tell(error: MillraceError | undefined): void {
    this.#away = error !== undefined
    this.#held(error)
  }
}
