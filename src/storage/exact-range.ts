import { knownRange } from '../stream/known-range.ts'
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

  /** @throws STREAM_UNAVAILABLE where the stream does not show what it holds. */
  async *[Symbol.asyncIterator](): AsyncGenerator<RecordBatch> {
    for await (const exact of knownRange(this.#stream, this.#place, this.#range, { readBytes: READ_BYTES })) {
      this.#note(exact.first, exact.first + exact.count)
      yield exact
    }
  }

  #note(first: number, end: number): void {
    const last = this.present.at(-1)
    if (last?.end === first) this.present[this.present.length - 1] = { first: last.first, end }
    else this.present.push({ first, end })
  }
}
