import { type Clock, systemClock } from '../clock.ts'
import { MillraceError } from '../errors.ts'
import { cut } from './cut.ts'
import type { RecordBatch, Stream, TopicPartition } from './stream.ts'

const FIRST_WAIT_MS = 50
const LONGEST_WAIT_MS = 1_000
/** A new leader shows what it holds within a second or two of its election. */
const PATIENCE_MS = 15_000

export interface KnownRangeOptions {
  readonly readBytes: number
  readonly clock?: Clock
  /** Ends the waiting, with its reason. */
  readonly signal?: AbortSignal
}

/**
 * The data [first, end) of a partition, which are known to have been in the log: a checkpoint, an intent or the bounds say so. Batches in
 * order, none of them empty, and nothing outside of the range. What retention has taken is left out.
 *
 * An empty answer that does not go on is not the end here: after a change of leaders a broker may for a moment not show what it holds, and to
 * take that for retention would lose data. It is asked again; only an answer that begins later says that something is gone.
 * @throws STREAM_UNAVAILABLE when it still gives nothing after 15 s.
 */
export async function* knownRange(
  stream: Pick<Stream, 'read'>,
  { topic, partition }: TopicPartition,
  { first, end }: { readonly first: number; readonly end: number },
  { readBytes, clock = systemClock, signal }: KnownRangeOptions,
): AsyncGenerator<RecordBatch, void> {
  let waitedMs = 0
  let waitMs = FIRST_WAIT_MS
  for (let at = first; at < end; ) {
    const read = await stream.read(topic, partition, at, readBytes)
    if (read.first + read.count <= at) {
      if (waitedMs >= PATIENCE_MS) throw notShown(`${topic}/${partition}`, at, end)
      await clock.sleep(waitMs, signal)
      waitedMs += waitMs
      waitMs = Math.min(waitMs * 2, LONGEST_WAIT_MS)
      continue
    }
    waitedMs = 0
    waitMs = FIRST_WAIT_MS
    const exact = cut(read, at, end)
    at = Math.max(at, read.first + read.count)
    if (exact.count > 0) yield exact
  }
}

function notShown(place: string, at: number, end: number): MillraceError {
  return new MillraceError('STREAM_UNAVAILABLE', `${place} holds data up to offset ${end}, and for 15 s gave none from ${at} on.`, {
    fix: 'It is tried again. If it goes on, see whether a partition of the topic is without its leader or its replicas are behind.',
  })
}
