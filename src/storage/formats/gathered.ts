import { grown } from '../../envelope/grown.ts'
import { Span } from './span.ts'

/** Bytes being gathered, in a buffer that doubles. Nothing is reserved for one that holds nothing: a roll may have thousands. */
export class Gathered {
  bytes: Buffer = NOTHING
  length = 0
  /** How many data are in it. */
  count = 0
  /** Their offsets, where the format can find one unstorable only later. */
  readonly offsets: number[] = []
  /** Which data they are. Kept by formats that know when they gather them. */
  readonly span = new Span()
  /** No byte of any datum is above 127. Kept by formats that read it. */
  ascii = true

  /** Memory held. */
  get capacity(): number {
    return this.bytes.length
  }

  /** Makes room for `more` bytes behind `length`. */
  reserve(more: number): void {
    const need = this.length + more
    if (need > this.bytes.length) this.bytes = grown(this.bytes, this.length, Math.max(need, SMALLEST_BYTES))
  }

  /** What was gathered, as a view; good until the next byte is added. */
  view(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  /** Empty again. @param release whether its memory goes too. */
  clear(release: boolean): void {
    this.length = 0
    this.count = 0
    this.offsets.length = 0
    this.span.clear()
    this.ascii = true
    if (release) this.bytes = NOTHING
  }
}

const NOTHING = Buffer.alloc(0)
const SMALLEST_BYTES = 1024
