import { idTimeMs } from '../envelope/data-id.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { type Ages, isPlausible } from '../objectives/ages.ts'
import type { RecordBatch } from '../stream/stream.ts'

/**
 * The batches as they are, and on their way when the data in them were accepted.
 * @param isFirst no agent was before: where an id does not say it, the time of the stream does, as `agents/arrivals.ts` has it.
 */
export async function* aged(batches: AsyncIterable<RecordBatch>, ages: Ages, isFirst: boolean): AsyncGenerator<RecordBatch> {
  for await (const batch of batches) {
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      if (cursor.isVoid) continue
      const time = isFirst && cursor.supplied ? batch.appendedMs : idTimeMs(cursor.bytes, cursor.idAt)
      ages.note(isFirst && !isPlausible(time, batch.appendedMs) ? batch.appendedMs : time)
    }
    yield batch
  }
}
