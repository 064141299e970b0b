import type { Clock } from '../../clock.ts'
import { isMillraceError, MillraceError } from '../../errors.ts'
import type { AppendBatch, Appended, Stream } from '../../stream/stream.ts'
import { answerWithin, unanswered } from './answer.ts'
import type { BacklogPlace } from './backlog.ts'
import type { RefusedFiles } from './refused-files.ts'
import type { SpillNotices } from './spill.ts'
import type { SpillLog, TakeLimit, Taken } from './spill-log.ts'

/** What came of one try. `bytes` and `count`: what the stream has taken. */
export type Round =
  | { readonly kind: 'moved'; readonly count: number; readonly bytes: number }
  /** Nothing waits that may be tried now. */
  | { readonly kind: 'nothing' }
  /** The stream did not take it; it may, later. */
  | { readonly kind: 'away'; readonly error: MillraceError }
  /** What is next in one partition is refused by the stream, or cannot be read. It is kept, and tried again now and then, as somebody may mend it. */
  | { readonly kind: 'refused'; readonly error: MillraceError }
  /** It was refused for so long that it has gone to the files of refused data. */
  | { readonly kind: 'set-aside'; readonly count: number; readonly bytes: number }

/** The first try after a failure is small, so that a slow stream answers it in time and a broken one costs little; each success doubles it. */
const FIRST_BYTES = 65_536
const LARGEST_BYTES = 4 * 1024 * 1024
const LARGEST_PLACES = 64
/** A stream may keep a batch as one record batch, and take none that is too large: a topic on Kafka takes 1 MB where nobody has set more. */
const BATCH_BYTES = 512 * 1024
const REFUSED_FOR_MS = 30_000
/** What refuses one datum of a topic in a partition refuses all: of these as much as this is set aside in one file. */
const OF_TOPIC: ReadonlySet<string> = new Set(['STREAM_DENIED', 'TOPIC_UNKNOWN'])
const ALL_OF_IT = { bytes: LARGEST_BYTES, batchBytes: LARGEST_BYTES, oneBatch: false } as const

/** An append that the stream may still answer. */
interface Sent {
  readonly taken: readonly Taken[]
  readonly batches: readonly AppendBatch[]
  readonly answer: Promise<Appended[]>
  readonly untilMs: number
}

/** What a drain works on. */
export interface DrainOptions {
  readonly stream: Pick<Stream, 'append'>
  readonly clock: Clock
  readonly signal: AbortSignal
  readonly notices: SpillNotices
  /** An append that has not been answered is not sent again before then: the stream may have it in hand for that long. */
  readonly sendTimeoutMs: number
  /** Where goes what has been refused for longer than the grace, or when there is no more room for others. */
  readonly refusedFiles: Pick<RefusedFiles, 'keep'>
  readonly refusedGraceMs: number
  readonly isFull: () => boolean
}

/** Moves what waits in a log to the stream, a round at a time. */
export class Drain {
  readonly #log: SpillLog
  readonly #on: DrainOptions
  #limit: TakeLimit = { bytes: FIRST_BYTES, places: 1, batchBytes: BATCH_BYTES, oneBatch: false }
  /** What an earlier round has waited for in vain. */
  #late: Sent | undefined

  constructor(log: SpillLog, on: DrainOptions) {
    this.#log = log
    this.#on = on
  }

  /**
   * Appends what is next, or asks again what has become of the last append, and notes what the stream has taken; a signal that aborts ends the wait
   * as a timeout would. @throws what the log throws when it cannot be read.
   */
  async round(timeoutMs: number): Promise<Round> {
    const { clock, signal } = this.#on
    for (;;) {
      const sent = this.#late ?? (await this.#send())
      this.#late = undefined
      if ('kind' in sent) return sent
      const { taken, batches, answer, untilMs } = sent
      try {
        const appended = await answerWithin(answer, clock, timeoutMs, signal)
        if (appended === undefined) {
          this.#shrink()
          if (clock.now() < untilMs) this.#late = sent
          return { kind: 'away', error: unanswered(timeoutMs) }
        }
        this.#tellTaken(appended.reduce((sum, { taken }) => sum + taken.length, 0))
      } catch (cause) {
        const error = isMillraceError(cause)
          ? cause
          : new MillraceError('STREAM_UNAVAILABLE', `The stream failed: ${String(cause)}.`, { cause })
        this.#shrink()
        if (error === cause && mayPass(error)) return { kind: 'away', error }
        // Refused, or what nobody expected of these data: they must not hold up the others. Of several it is not known which it is:
        // the next try has one.
        if (batches.length > 1) {
          this.#limit = { ...this.#limit, oneBatch: true }
          continue
        }
        // A batch that was too large for the stream may have been made here, of what came in many.
        const { frames, count } = batches[0]!
        if (error.code === 'BODY_TOO_LARGE' && count > 1) {
          this.#limit = { ...this.#limit, oneBatch: true, batchBytes: Math.ceil(frames.length / 2) }
          continue
        }
        return await this.#refused(taken[0]!, error)
      }
      this.#grow()
      await this.#log.drained(taken)
      return { kind: 'moved', ...sizeOf(batches) }
    }
  }

  /** Sends what is next; a round that has ended already where there is nothing to send. */
  async #send(): Promise<Sent | Round> {
    const { stream, clock, sendTimeoutMs } = this.#on
    const { taken, damaged } = await this.#log.take(this.#limit, clock.now())
    for (const { place, error } of damaged) this.#keep(place, error)
    const batches = taken.flatMap(({ batches }) => batches)
    if (batches.length === 0) return damaged[0] === undefined ? { kind: 'nothing' } : { kind: 'refused', error: damaged[0].error }
    return { taken, batches, answer: stream.append(batches), untilMs: clock.now() + sendTimeoutMs }
  }

  /** After a failure. */
  #shrink(): void {
    this.#limit = { ...this.#limit, bytes: FIRST_BYTES, places: 1 }
  }

  #grow(): void {
    const { bytes, places, batchBytes } = this.#limit
    this.#limit = {
      bytes: Math.min(LARGEST_BYTES, bytes * 2),
      places: Math.min(LARGEST_PLACES, places * 2),
      batchBytes: Math.min(BATCH_BYTES, batchBytes * 2),
      oneBatch: false,
    }
  }

  /**
   * What is next in one partition is refused. Somebody may mend that, and so it is kept for a while. In the end it is set aside: it would keep all
   * others from going to the stream directly, and the log's room from being given back, for ever.
   */
  async #refused(taken: Taken, error: MillraceError): Promise<Round> {
    const { clock, notices, refusedFiles, refusedGraceMs, isFull } = this.#on
    const { place } = taken
    const nowMs = clock.now()
    if (nowMs - (place.refusedSinceMs ?? nowMs) < refusedGraceMs && !isFull()) {
      this.#keep(place, error)
      return { kind: 'refused', error }
    }
    const isOfTopic = OF_TOPIC.has(error.code)
    // Where it is damaged further on, only what has been read.
    const all = isOfTopic ? await this.#log.takeOf(place, ALL_OF_IT).catch(() => taken) : taken
    const size = sizeOf(all.batches)
    try {
      const file = await refusedFiles.keep(all)
      notices.warn(
        `${size.count} data of topic '${place.topic}', partition ${place.partition}, were accepted, and the stream refuses them: ${error.message} They are set aside in ${file}. Mend what it says, import that file, and delete it.`,
      )
    } catch (cause) {
      notices.warn(
        `What the stream refuses cannot be set aside, and stays in the spill: ${cause instanceof Error ? cause.message : String(cause)}`,
      )
      this.#keep(place, error)
      return { kind: 'refused', error }
    }
    if (isOfTopic) place.closed = { error, untilMs: nowMs + REFUSED_FOR_MS }
    await this.#log.drained([all])
    return { kind: 'set-aside', ...size }
  }

  #keep(place: BacklogPlace, error: MillraceError): void {
    this.#log.backlog.refused(place, this.#on.clock.now(), REFUSED_FOR_MS)
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

function sizeOf(batches: readonly AppendBatch[]): { count: number; bytes: number } {
  return {
    count: batches.reduce((sum, { count }) => sum + count, 0),
    bytes: batches.reduce((sum, { frames }) => sum + frames.length, 0),
  }
}

/** Whether trying all of it again may help. A stream that fails for one batch (ENGINE_FAILED) may fail for that batch alone. */
function mayPass({ code, retryable }: MillraceError): boolean {
  return retryable && code !== 'ENGINE_FAILED'
}
