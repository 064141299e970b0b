import type { RecordBatch, Stream } from '../../src/stream/stream.ts'

/** A reader that for so many questions shows nothing from an offset on, as a new leader does before its replicas have answered it. */
export class LaggingReader implements Pick<Stream, 'read'> {
  readonly #stream: Pick<Stream, 'read'>
  readonly #shown: number
  #times: number

  constructor(stream: Pick<Stream, 'read'>, shown: number, times: number) {
    this.#stream = stream
    this.#shown = shown
    this.#times = times
  }

  async read(topic: string, partition: number, from: number, maxBytes: number): Promise<RecordBatch> {
    if (from >= this.#shown && this.#times-- > 0) {
      return { topic, partition, first: from, count: 0, frames: new Uint8Array(0), ascii: true, appendedMs: 0 }
    }
    return this.#stream.read(topic, partition, from, from < this.#shown ? 1 : maxBytes)
  }
}
