import type { Clock } from '../../clock.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'
import type { Stream } from '../../stream/stream.ts'
import { appendWithin } from './answer.ts'
import type { SpillNotices } from './spill.ts'
import type { SpillLog, Taken } from './spill-log.ts'

/** What came of one try. `bytes` and `count`: what the stream has taken. */
export type Round =
  | { readonly kind: 'moved'; readonly count: number; readonly bytes: number }
  /** Nothing waits that may be tried now. */
  | { readonly kind: 'nothing' }
  /** The stream did not take it; it may, later. */
  | { readonly kind: 'away'; readonly error: MillraceError }
  /** The stream refuses what is next in one partition. It is kept, and tried again now and then, as somebody may mend it. */
  | { readonly kind: 'refused'; readonly what: string; readonly error: MillraceError }

/** The first try after a failure is small, so that a slow stream answers it in time and a broken one costs little; each success doubles it. */
const FIRST_BYTES = 65_536
const LARGEST_BYTES = 4 * 1024 * 1024
const LARGEST_PLACES = 64
const REFUSED_FOR_MS = 10_000

/** Moves what waits in a log to the stream, a round at a time. */
export class Drain {
  readonly #log: SpillLog
  readonly #on: {
    readonly stream: Pick<Stream, 'append'>
    readonly clock: Clock
    readonly signal: AbortSignal
    readonly notices: SpillNotices
  }
  #bytes = FIRST_BYTES
  #places = 1

  constructor(log: SpillLog, on: { stream: Pick<Stream, 'append'>; clock: Clock; signal: AbortSignal; notices: SpillNotices }) {
    this.#log = log
    this.#on = on
  }

  /** Appends what is next and notes it; a signal that aborts ends the wait as a timeout would. @throws what the log throws when it cannot be read. */
  async round(timeoutMs: number): Promise<Round> {
    const { stream, clock, signal } = this.#on
    for (;;) {
      const taken = await this.#log.take(this.#bytes, this.#places, clock.now())
      if (taken.length === 0) return { kind: 'nothing' }
      try {
        const appended = await appendWithin(stream, taken.map(toAppend), clock, timeoutMs, signal)
        this.#tellTaken(appended.reduce((sum, { taken }) => sum + taken.length, 0))
      } catch (cause) {
        const error = isMillraceError(cause)
          ? cause
          : new MillraceError('STREAM_UNAVAILABLE', `The stream failed: ${String(cause)}.`, { cause })
        this.#bytes = FIRST_BYTES
        this.#places = 1
        if (error === cause && error.retryable) return { kind: 'away', error }
        // Refused, or what nobody expected of these data: they must not hold up the others. Of several it is not known which it is:
        // the next try has one.
        if (taken.length > 1) continue
        this.#log.backlog.refused(taken[0]!.place, clock.now() + REFUSED_FOR_MS)
        return { kind: 'refused', what: whatIs(taken[0]!), error }
      }
      this.#bytes = Math.min(LARGEST_BYTES, this.#bytes * 2)
      this.#places = Math.min(LARGEST_PLACES, this.#places * 2)
      await this.#log.drained(taken)
      return {
        kind: 'moved',
        count: taken.reduce((sum, { batch }) => sum + batch.count, 0),
        bytes: taken.reduce((sum, { batch }) => sum + batch.frames.length, 0),
      }
    }
  }

  /** They were acknowledged, as the log could not know better: nobody else will hear of it. */
  #tellTaken(count: number): void {
    if (count > 0)
      this.#on.notices.warn(`${count} data that were spilled have ids which another source has used; the stream has left them out.`)
  }
}

/** Where it begins below what was asked for, the data before that go once more, as copies. */
function toAppend({ place, batch }: Taken) {
  const { frames, count, ascii } = batch
  return { topic: place.topic, partition: place.partition, frames, count, ascii }
}

function whatIs({ place, batch }: Taken): string {
  return `a batch of ${batch.count} data of topic '${place.topic}', partition ${place.partition}`
}
