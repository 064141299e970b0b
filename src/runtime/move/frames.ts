import { ID_BYTES } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import type { RecordBatch, Stream, TopicPartition } from '../../stream/stream.ts'

const READ_BYTES = 1024 * 1024

/** The batch from an offset on, which may lie within it. */
export function beginningAt(batch: RecordBatch, offset: number): RecordBatch {
  if (batch.first >= offset) return batch
  const cursor = new FrameCursor(batch.frames)
  while (cursor.next()) {
    if (batch.first + cursor.index < offset) continue
    return { ...batch, first: offset, count: batch.count - (offset - batch.first), frames: batch.frames.subarray(cursor.start) }
  }
  return { ...batch, first: offset, count: 0, frames: new Uint8Array(0) }
}

/** The batch up to an offset, which may lie within it. */
export function endingAt(batch: RecordBatch, end: number): RecordBatch {
  if (batch.first + batch.count <= end) return batch
  const cursor = new FrameCursor(batch.frames)
  let bytes = 0
  while (cursor.next() && batch.first + cursor.index < end) bytes = cursor.end
  return { ...batch, count: Math.max(0, end - batch.first), frames: batch.frames.subarray(0, bytes) }
}

/** The batches of positions [from, end), cut to them. Ends early where the log does. */
export async function* batchesOf(
  log: Pick<Stream, 'read'>,
  { topic, partition }: TopicPartition,
  from: number,
  end: number,
  maxBytes = READ_BYTES,
): AsyncGenerator<RecordBatch> {
  for (let next = from; next < end; ) {
    const batch = endingAt(beginningAt(await log.read(topic, partition, next, maxBytes), next), end)
    if (batch.count === 0) return
    yield batch
    next = batch.first + batch.count
  }
}

/** The ids of positions [from, end), 16 bytes each. */
export async function idsOf(log: Pick<Stream, 'read'>, place: TopicPartition, from: number, end: number): Promise<Buffer> {
  const ids = Buffer.alloc((end - from) * ID_BYTES)
  for await (const batch of batchesOf(log, place, from, end)) {
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      cursor.bytes.copy(ids, (batch.first + cursor.index - from) * ID_BYTES, cursor.idAt, cursor.idAt + ID_BYTES)
    }
  }
  return ids
}
