import { isReplayTopic, type StoredLetter } from '../../agents/dead-letter.ts'
import { type DataId, formatId, ID_BYTES } from '../../envelope/data-id.ts'
import type { MarkBatch } from '../../trace/trace.ts'
import type { CacheWrite } from '../engine.ts'
import type { Replayed } from './letter-fold.ts'

/** A write, and whether it comes from a dead letter that was replayed: then it stands where the datum first stood. */
export interface PlacedWrite extends CacheWrite {
  readonly replayed?: true
}

type OriginOf = (dataId: DataId, at: Pick<Replayed, 'topic' | 'offset'>) => Promise<StoredLetter | undefined>

/** A datum that is replayed stands where it first stood: its value must not replace those of data that came after it. */
export async function placedAtOrigin(
  writes: readonly CacheWrite[],
  marks: readonly MarkBatch[],
  originOf: OriginOf,
): Promise<readonly PlacedWrite[]> {
  if (!writes.some(({ topic }) => isReplayTopic(topic))) return writes
  const placed: PlacedWrite[] = []
  for (const write of writes) {
    const at = { topic: write.topic, offset: write.offset - 1 }
    const dataId = isReplayTopic(write.topic) ? doneId(marks, at) : undefined
    const origin = dataId === undefined ? undefined : await originOf(dataId, at)
    if (origin === undefined) placed.push(write)
    else placed.push({ ...write, topic: origin.topic, partition: origin.partition, offset: origin.offset + 1, replayed: true })
  }
  return placed
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
