import type { Clock } from '../../clock.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'
import type { Stream } from '../../stream/stream.ts'
import { appendWithin } from './answer.ts'
import type { BacklogPlace } from './backlog.ts'
import type { SpillNotices } from './spill.ts'
import type { SpillLog, Taken } from './spill-log.ts'

/** What came of one try. `bytes` and `count`: what the stream has taken. */
export type Round =
  | { readonly kind: 'moved'; readonly count: number; readonly bytes: number }
  /** Nothing waits that may be tried now. */
  | { readonly kind: 'nothing' }
  /** The stream did not take it; it may, later. */
  | { readonly kind: 'away'; readonly error: MillraceError }
  /** What is next in one partition is refused by the stream, or cannot be read. It is kept, and tried again now and then, as somebody may mend it. */
  | { readonly kind: 'refused'; readonly error: MillraceError }

/** The first try after a failure is small, so that a slow stream answers it in time and a broken one costs little; each success doubles it. */
const FIRST_BYTES = 65_536
const LARGEST_BYTES = 4 * 1024 * 1024
const LARGEST_PLACES = 64
const REFUSED_FOR_MS = 30_000

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
      const { taken, damaged } = await this.#log.take(this.#bytes, this.#places, clock.now())
      for (const { place, error } of damaged) this.#keep(place, error)
      if (taken.length === 0) return damaged[0] === undefined ? { kind: 'nothing' } : { kind: 'refused', error: damaged[0].error }
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
        this.#keep(taken[0]!.place, error)
        return { kind: 'refused', error }
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

  #keep(place: BacklogPlace, error: MillraceError): void {
    this.#log.backlog.refused(place, this.#on.clock.now() + REFUSED_FOR_MS)
    const { topic, partition, next, drained } = place
    this.#on.notices.warn(
      `${next - drained} data of topic '${topic}', partition ${partition}, were accepted and cannot go to the stream; they are kept and tried again: ${error.message}`,
    )
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
