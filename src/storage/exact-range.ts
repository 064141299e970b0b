import { FrameCursor } from '../envelope/frame.ts'
import type { RecordBatch, Stream, TopicPartition } from '../stream/stream.ts'
import type { Range } from '../trace/trace.ts'

const READ_BYTES = 1_000_000

/** Exactly the positions [first, end) of a partition, read from the stream in order. What retention has taken meanwhile is left out. */
export class ExactRange implements AsyncIterable<RecordBatch> {
  /** What was there, so far. */
  readonly present: Range[] = []
  readonly #stream: Pick<Stream, 'read'>
  readonly #place: TopicPartition
  readonly #range: Range

  constructor(stream: Pick<Stream, 'read'>, place: TopicPartition, range: Range) {
    this.#stream = stream
    this.#place = place
    this.#range = range
  }

  /** How many of the range were there. */
  get count(): number {
    return this.present.reduce((sum, range) => sum + range.end - range.first, 0)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch> {
    const { end } = this.#range
    let at = this.#range.first
    while (at < end) {
      const batch = await this.#stream.read(this.#place.topic, this.#place.partition, at, READ_BYTES)
      const exact = cut(batch, at, end)
      // The range was in the log when its roll began. That it is there no longer is retention's doing, and nothing else can be.
      if (exact.count === 0) return
      at = exact.first + exact.count
      this.#note(exact.first, at)
      yield exact
    }
  }

  #note(first: number, end: number): void {
    const last = this.present.at(-1)
    if (last?.end === first) this.present[this.present.length - 1] = { first: last.first, end }
    else this.present.push({ first, end })
  }
}

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
