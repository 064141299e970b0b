import { FrameCursor } from '../envelope/frame.ts'
import type { RecordBatch } from './stream.ts'

/** The part of a batch within [first, end), its bytes a view. */
export function cut(batch: RecordBatch, first: number, end: number): RecordBatch {
  const from = Math.min(Math.max(first - batch.first, 0), batch.count)
  const to = Math.min(Math.max(end - batch.first, from), batch.count)
  if (from === 0 && to === batch.count) return batch
  const cursor = new FrameCursor(batch.frames)
  let start = 0
  while (cursor.index < to - 1 && cursor.next()) if (cursor.index === from) start = cursor.start
  const stop = to === from ? start : cursor.end
  return { ...batch, first: batch.first + from, count: to - from, frames: batch.frames.subarray(start, stop) }
}
