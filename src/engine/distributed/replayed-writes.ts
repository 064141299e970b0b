import { isReplayTopic, type StoredLetter } from '../../agents/dead-letter.ts'
import { type DataId, formatId, ID_BYTES } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { knownRange } from '../../stream/known-range.ts'
import { partitionOfId, partitionOfKey } from '../../stream/partition.ts'
import type { GroupedStream } from '../../stream/stream.ts'
import type { MarkBatch } from '../../trace/trace.ts'
import type { CacheWrite } from '../engine.ts'
import type { Replayed } from './letter-fold.ts'

/** A write, and whether it comes from a dead letter that was replayed: then it stands where the datum first stood. */
export interface PlacedWrite extends CacheWrite {
  readonly replayed?: true
}

/** Where it is known where data of a replay topic first stood. */
interface Origins {
  ofLetter(dataId: DataId, at: Pick<Replayed, 'topic' | 'offset'>): Promise<StoredLetter | undefined>
  readonly stream: Pick<GroupedStream, 'read' | 'bounds'>
}

/**
 * Offsets of data that are no letters and were replayed. An agent is given such data from before its place began alone: in their order, they stand
 * before all that it has had from there.
 */
const BEFORE_ALL = -(2 ** 52)

/** A datum that is replayed stands where it first stood: its value must not replace those of data that came after it. */
export async function placedAtOrigin(
  writes: readonly CacheWrite[],
  marks: readonly MarkBatch[],
  origins: Origins,
): Promise<readonly PlacedWrite[]> {
  if (!writes.some(({ topic }) => isReplayTopic(topic))) return writes
  const placed: PlacedWrite[] = []
  for (const write of writes) {
    const at = { topic: write.topic, offset: write.offset - 1 }
    const dataId = isReplayTopic(write.topic) ? doneId(marks, at) : undefined
    if (dataId === undefined) {
      placed.push(write)
      continue
    }
    const letter = await origins.ofLetter(dataId, at)
    const origin = letter === undefined || isReplayTopic(letter.topic) ? await before(origins.stream, at) : letter
    // It has expired in this very moment: where nobody can say where it stood, what is there stays.
    if (origin !== undefined)
      placed.push({ ...write, topic: origin.topic, partition: origin.partition, offset: origin.offset + 1, replayed: true })
  }
  return placed
}

/** The partition of the datum's own topic, and an offset before all that it holds. */
async function before(
  stream: Origins['stream'],
  { topic, offset }: Pick<Replayed, 'topic' | 'offset'>,
): Promise<Pick<StoredLetter, 'topic' | 'partition' | 'offset'> | undefined> {
  const range = { first: offset, end: offset + 1 }
  for await (const batch of knownRange(stream, { topic, partition: 0 }, range, { readBytes: 1 })) {
    const cursor = new FrameCursor(batch.frames)
    if (!cursor.next() || cursor.isVoid) return undefined
    const partitions = (await stream.bounds(cursor.type)).length
    const partition = cursor.key === '' ? partitionOfId(cursor.bytes, cursor.idAt, partitions) : partitionOfKey(cursor.key, partitions)
    return { topic: cursor.type, partition, offset: BEFORE_ALL + offset }
  }
  return undefined
}

/** The id of what was done at a position of a replay topic: a unit marks what it writes of. */
function doneId(marks: readonly MarkBatch[], at: Pick<Replayed, 'topic' | 'offset'>): DataId | undefined {
  for (const { topic, done, ids } of marks) {
    if (topic !== at.topic) continue
    let index = 0
    for (const { first, end } of done) {
      if (at.offset >= first && at.offset < end) return formatId(ids, (index + at.offset - first) * ID_BYTES)
      index += end - first
    }
  }
  return undefined
}
