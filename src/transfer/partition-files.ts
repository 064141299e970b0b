import type { Sink } from '../storage/formats/format.ts'
import { Span } from '../storage/formats/span.ts'
import type { TopicPartition } from '../stream/stream.ts'
import type { ExportFolder } from './export-folder.ts'
import { WholeFile } from './whole-file.ts'

const OFFSET_DIGITS = 16

/** The files of one partition, one after the other, each named by partition and first offset: `demand/2-0000000000012345.ndjson`. */
export class PartitionFiles implements Sink {
  readonly #folder: ExportFolder
  readonly #place: TopicPartition
  readonly #unstorable: (offset: number, reason: string) => void
  #file: WholeFile | undefined
  #span = new Span()
  /** Where the next file begins: at the end of the one before, also where no datum lies there. */
  #next: number

  /** @param start of the range that they are of. */
  constructor(folder: ExportFolder, place: TopicPartition, start: number, unstorable: (offset: number, reason: string) => void) {
    this.#folder = folder
    this.#place = place
    this.#next = start
    this.#unstorable = unstorable
  }

  append(bytes: Uint8Array): void {
    this.#file ??= new WholeFile(this.#folder.folderOf(this.#place.topic), String(this.#place.partition))
    this.#file.append(bytes)
  }

  holds(data: Span): void {
    this.#span.extend(data)
  }

  /** Ends the file: it is there from now on, and in the manifest. */
  nextPart(): void {
    const file = this.#file
    if (file === undefined) return
    const { topic, partition } = this.#place
    const span = this.#span
    const [first, end] = [this.#next, span.lastOffset + 1]
    const name = `${partition}-${String(first).padStart(OFFSET_DIGITS, '0')}.${this.#folder.extension}`
    file.finish(name)
    this.#folder.add({
      path: `${topic}/${name}`,
      topic,
      partition,
      first,
      end,
      count: span.count,
      bytes: file.bytes,
      firstId: span.firstId,
      lastId: span.lastId,
      last: span.lastOffset,
    })
    this.#next = end
    this.#file = undefined
    this.#span = new Span()
  }

  unstorable(offset: number, reason: string): void {
    this.#unstorable(offset, reason)
  }

  /** Leaves nothing of the file that is not finished. */
  discard(): void {
    this.#file?.discard()
    this.#file = undefined
  }
}
