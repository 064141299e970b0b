import type { Clock } from '../../clock.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'
import { Patience } from '../../patience.ts'

const WAITS = { firstMs: 100, longestMs: 2_000 }

/**
 * Holds a call to the trace for as long as the trace is away. Data wait in the stream meanwhile: to go on without it would lose nothing,
 * but do work twice and leave what happens now without a trace.
 */
export class TracePatience extends Patience<MillraceError> {
  readonly #closed = new AbortController()

  /** @param held told when the trace goes away, and with undefined when it is back. */
  constructor(clock: Clock, held: (error: MillraceError | undefined) => void) {
    super(clock, WAITS, isTraceAway, held)
  }

  close(): void {
    this.#closed.abort(new MillraceError('ENGINE_CLOSED', 'The engine was closed.'))
  }

  /** @throws ENGINE_CLOSED when {@link close} comes first; LEASE_LOST when the signal aborts. */
  protected override pause(waitMs: number, signal: AbortSignal | undefined): Promise<void> {
    const over = signal === undefined ? this.#closed.signal : AbortSignal.any([signal, this.#closed.signal])
    return this.clock.sleep(waitMs, over).catch(reason => {
      if (this.#closed.signal.aborted) throw reason
      throw new MillraceError('LEASE_LOST', 'The lease ended while the trace was away.', { cause: reason })
    })
  }
}

function isTraceAway(error: unknown): error is MillraceError {
  return isMillraceError(error, 'TRACE_UNAVAILABLE')
}
