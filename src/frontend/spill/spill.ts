import type { Clock } from '../../clock.ts'
import type { Recorder } from '../../instrumentation/recorder.ts'
import type { AppendBatch, Appended, Stream, TopicSpec } from '../../stream/stream.ts'

/** What a spill is made with. Sizes in bytes, times in milliseconds. */
export interface SpillOptions {
  /**
   * Where data belong. It may go on reading the frames of an append that has failed or not answered, but must leave them as they are:
   * the same bytes go to the log then.
   */
  readonly stream: Pick<Stream, 'append'>
  /** The spill's own folder, on a disk that outlives the process. Made where it is missing. One process at a time. */
  readonly directory: string
  /** The most that the log may take, its write-ahead log (some 20 MB) aside; and, beside it, files of data that the stream refuses. 0: there is no spill, and the stream's errors pass through. */
  readonly maxBytes: number
  /** Those that are appended to; more with {@link Spill.ensure}. */
  readonly topics: readonly SpillTopic[]
  readonly clock: Clock
  /** Opens a durable log in a directory for this process alone, DISK_FULL beyond `maxBytes`. The same directory again is the same log. */
  readonly openLog: (at: { readonly directory: string; readonly maxBytes: number }) => Promise<SpillEngine>
  /** An append that has no answer by then counts as failed. Default 3 s. */
  readonly appendTimeoutMs?: number
  /**
   * How long the stream may go on with an append that it has not answered: what drains is not sent again before then, as each time would be a
   * copy. Default 65 s.
   */
  readonly sendTimeoutMs?: number
  /**
   * How long data that the stream refuses are kept and tried again, before they go to files of their own. They go at once when there is no more
   * room. Default 10 minutes.
   */
  readonly refusedGraceMs?: number
  /** The largest datum, framed, that the stream will take: a larger one must not be acknowledged. Default: there is no limit. */
  readonly maxDatumBytes?: number
  readonly recorder?: Pick<Recorder, 'spill'>
  /** Where people are told, a sentence a call. Default: nowhere. */
  readonly log?: SpillNotices
  /** Uniform in [0, 1). */
  readonly random?: () => number
}

export type SpillTopic = Pick<TopicSpec, 'name' | 'partitions'>

/** What of an engine a spill uses. */
export type SpillEngine = Pick<Stream, 'ensure' | 'append' | 'subscribe' | 'read' | 'topics' | 'bounds' | 'close'>

export interface SpillNotices {
  info(text: string): void
  warn(text: string): void
}

/**
 * - `direct`: appends go to the stream. → `spilling` when one finds it away.
 * - `spilling`: the stream is away, appends go to the log, and the stream is tried with what waits there. → `draining` when it takes some,
 *   `direct` where the log cannot be used and nothing waits in it.
 * - `draining`: the stream takes what the log holds, oldest first, and appends still go to the log, behind what waits. → `spilling` when it
 *   is away again, `handing-over` when little is left, `direct` where the log cannot be used any more and nothing waits in it.
 * - `handing-over`: appends wait for a moment, so that none slips between the log's last datum and the first that goes past it.
 *   → `direct` when the log is empty; back to `spilling` or `draining` when that does not come about in time.
 */
export type SpillState = 'direct' | 'spilling' | 'draining' | 'handing-over'

/** Where a spill stands. */
export interface SpillStatus {
  readonly state: SpillState
  /** Acknowledged, and not known to be in the stream. */
  readonly data: number
  /** What the log takes on disk. */
  readonly bytes: number
  readonly maxBytes: number
  /** The last append was refused because the log is full. */
  readonly full: boolean
  /** When the stream went away, milliseconds since 1970 UTC; 0 while `direct`. */
  readonly sinceMs: number
  /** Why what waits is not in the stream. */
  readonly reason?: string
  /** Data that were accepted and that the stream has refused for good are in files there; absent where there are none. */
  readonly refused?: { readonly files: number; readonly path: string }
}

/**
 * A stream that a front end can append to while the real one is away: data go to a log on its own disk and from there to the stream, in
 * order, once it is back. What is acknowledged is in the stream or fsynced in the log, never in memory alone. Within a partition, what was
 * acknowledged before another append began is first in the stream before anything of that one. A datum may get into the stream more than
 * once, under its own id: where an answer was lost or the process died. What the stream refuses for good is set aside in files, in no order any more.
 */
export interface Spill extends Pick<Stream, 'append'> {
  /**
   * As {@link Stream.append}: resolves when durable, in the stream or in the log. `first` and the refused copies are those of whichever took it.
   * @throws OVERLOADED with `retryAfterSeconds` where the stream is away and the log is full; DISK_FULL, ENGINE_FAILED and APPEND_UNKNOWN of the log; what
   * the stream refuses for good; SHUTTING_DOWN once it closes.
   */
  append(batches: readonly AppendBatch[]): Promise<Appended[]>
  /** Makes room for topics that came with a reload, before anything is appended to them. */
  ensure(topics: readonly SpillTopic[]): Promise<void>
  status(): SpillStatus
  /**
   * Takes nothing more, goes on draining for at most `graceMs`, and lets go. What is left stays on disk, is told to people, and goes
   * to the stream at the next start. @returns how many data that is.
   */
  close(graceMs: number): Promise<number>
}
