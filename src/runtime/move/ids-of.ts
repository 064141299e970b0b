import { ID_BYTES } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { knownRange } from '../../stream/known-range.ts'
import type { Stream, TopicPartition } from '../../stream/stream.ts'

const READ_BYTES = 1024 * 1024

/** The ids of positions [from, end), 16 bytes each. */
export async function idsOf(log: Pick<Stream, 'read'>, place: TopicPartition, from: number, end: number): Promise<Buffer> {
  const ids = Buffer.alloc((end - from) * ID_BYTES)
  for await (const batch of knownRange(log, place, { first: from, end }, { readBytes: READ_BYTES })) {
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      cursor.bytes.copy(ids, (batch.first + cursor.index - from) * ID_BYTES, cursor.idAt, cursor.idAt + ID_BYTES)
    }
  }
  return ids
}
