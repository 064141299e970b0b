import { isAscii } from 'node:buffer'
import { MillraceError } from '../errors.ts'
import { type DataId, formatId, ID_BYTES } from './data-id.ts'
import { type Envelope, JSON_TYPE } from './envelope.ts'
import { grown } from './grown.ts'

/*
 * A frame is one datum as the engines carry it: a fixed header, then its variable parts, then `data` as the producer sent it.
 * Frames are written once, where the datum enters, and never again re-encoded. Little-endian:
 *
 *    0  u32  length of the frame, this field included
 *    4  u8   flags: 1 = the id was supplied by its producer, 2 = void: the position holds no datum
 *    5  u8   source length       (UTF-8)
 *    6  u8   content type length (ASCII; 0 = application/json)
 *    7  u8   type length         (UTF-8; 0 = the topic that the batch is in)
 *    8  u16  key length          (UTF-8)
 *   10  u16  parents, 16 bytes each
 *   12  f64  created, milliseconds since 1970 UTC
 *   20  16 B data_id
 *   36       parents ‖ source ‖ content type ‖ type ‖ key ‖ data
 */
export const FRAME_HEADER_BYTES = 36
export const FLAG_SUPPLIED_ID = 1
const FLAG_VOID = 2
const MAX_KEY_BYTES = 65_535
const MAX_PARENTS = 65_535
const SHORT_TEXT = 32

/** What a frame is made from. `id`, `parents` are bytes at a place, so that no buffer is made for each datum. */
export interface FrameParts {
  id: Uint8Array
  idAt: number
  supplied: boolean
  source: Uint8Array
  createdMs: number
  contentType: string
  type: string
  key: string
  /** Concatenated ids, 16 bytes each; empty when the datum was not derived. */
  parents: Uint8Array
  data: Uint8Array | string
  /** `data` is text that is known to be ASCII: it is written as it is, at two thirds of the cost of UTF-8. */
  asciiText?: boolean
}

/** Frames of one partition being gathered for an append. Grows by doubling; {@link take} hands its bytes over and starts anew. */
export class FrameWriter {
  #buffer: Buffer
  #length = 0
  #count = 0
  #ascii = true

  constructor(initialBytes = 4096) {
    this.#buffer = Buffer.allocUnsafeSlow(initialBytes)
  }

  get count(): number {
    return this.#count
  }

  get byteLength(): number {
    return this.#length
  }

  add(p: FrameParts): void {
    const contentType = p.contentType === JSON_TYPE ? '' : p.contentType
    // A string's UTF-8 is at most 3 bytes a code unit: reserve that, write, and count what it took.
    this.#reserve(
      FRAME_HEADER_BYTES +
        p.parents.length +
        p.source.length +
        contentType.length +
        (p.type.length + p.key.length) * 3 +
        (typeof p.data === 'string' && p.asciiText !== true ? p.data.length * 3 : p.data.length),
    )
    const b = this.#buffer
    const start = this.#length
    let at = start + FRAME_HEADER_BYTES
    if (p.parents.length > 0) {
      b.set(p.parents, at)
      at += p.parents.length
    }
    b.set(p.source, at)
    at += p.source.length
    if (contentType !== '') at += b.write(contentType, at, 'latin1')
    const typeBytes = p.type === '' ? 0 : b.write(p.type, at)
    at += typeBytes
    const keyBytes = p.key === '' ? 0 : writeShort(b, p.key, at)
    at += keyBytes
    const parents = p.parents.length / ID_BYTES
    // Nothing counts until #length moves, so a frame that is refused here has left no trace.
    if (keyBytes > MAX_KEY_BYTES || parents > MAX_PARENTS || p.source.length > 255 || contentType.length > 255 || typeBytes > 255) {
      throw new RangeError(
        `A frame holds a key of 65,535 bytes, 65,535 parents, and a source, type and content type of 255 bytes; got ${keyBytes}, ${parents}, ${p.source.length}, ${typeBytes}, ${contentType.length}.`,
      )
    }
    b[start + 4] = p.supplied ? FLAG_SUPPLIED_ID : 0
    b[start + 5] = p.source.length
    b[start + 6] = contentType.length
    b[start + 7] = typeBytes
    b.writeUInt16LE(keyBytes, start + 8)
    b.writeUInt16LE(parents, start + 10)
    b.writeDoubleLE(p.createdMs, start + 12)
    for (let i = 0; i < ID_BYTES; i++) b[start + 20 + i] = p.id[p.idAt + i]!
    if (typeof p.data === 'string' && p.asciiText === true) at += b.write(p.data, at, 'latin1')
    else if (typeof p.data === 'string') {
      const wrote = b.write(p.data, at)
      // UTF-8 is as long as the text exactly when every character is ASCII.
      if (wrote !== p.data.length) this.#ascii = false
      at += wrote
    } else {
      b.set(p.data, at)
      at += p.data.length
      if (this.#ascii && !isAscii(p.data)) this.#ascii = false
    }
    b.writeUInt32LE(at - start, start)
    this.#length = at
    this.#count++
  }

  /** Adds the frame of a position that holds no datum: all zeros but for its flag. */
  addVoid(): void {
    this.#reserve(FRAME_HEADER_BYTES)
    const start = this.#length
    this.#buffer.fill(0, start, start + FRAME_HEADER_BYTES)
    this.#buffer.writeUInt32LE(FRAME_HEADER_BYTES, start)
    this.#buffer[start + 4] = FLAG_VOID
    this.#length += FRAME_HEADER_BYTES
    this.#count++
  }

  /** The bytes gathered, in an ArrayBuffer of their own (it can be transferred to another thread). The writer is empty again. */
  take(): { frames: Uint8Array<ArrayBuffer>; count: number; ascii: boolean } {
    // Not zeroed first: every byte is written.
    const frames = Buffer.allocUnsafeSlow(this.#length)
    this.#buffer.copy(frames, 0, 0, this.#length)
    const taken = { frames, count: this.#count, ascii: this.#ascii }
    this.#length = 0
    this.#count = 0
    this.#ascii = true
    return taken
  }

  #reserve(bytes: number): void {
    const need = this.#length + bytes
    if (need > this.#buffer.length) this.#buffer = grown(this.#buffer, this.#length, need)
  }
}

/**
 * Walks the frames of a batch without an object for each: `while (cursor.next()) …`. The fields describe the current frame.
 * @throws FRAME_CORRUPT when a length does not add up.
 */
export class FrameCursor {
  readonly bytes: Buffer
  /** Where the current frame begins and ends in `bytes`. */
  start = 0
  end = 0
  dataStart = 0
  /** Index of the current frame in the batch; −1 before the first. */
  index = -1
  readonly #ascii: boolean
  #text: string | undefined

  constructor(frames: Uint8Array, ascii = false) {
    this.bytes = Buffer.from(frames.buffer, frames.byteOffset, frames.byteLength)
    this.#ascii = ascii
  }

  next(): boolean {
    const b = this.bytes
    const start = this.end
    if (start === b.length) return false
    if (start + FRAME_HEADER_BYTES > b.length) throw corrupt(start, b.length)
    const end = start + b.readUInt32LE(start)
    const dataStart =
      start +
      FRAME_HEADER_BYTES +
      b.readUInt16LE(start + 10) * ID_BYTES +
      b[start + 5]! +
      b[start + 6]! +
      b[start + 7]! +
      b.readUInt16LE(start + 8)
    if (dataStart > end || end > b.length) throw corrupt(start, b.length)
    this.start = start
    this.end = end
    this.dataStart = dataStart
    this.index++
    return true
  }

  /** The id's place in `bytes`. */
  get idAt(): number {
    return this.start + 20
  }
  get dataId(): DataId {
    return formatId(this.bytes, this.start + 20)
  }
  get supplied(): boolean {
    return (this.bytes[this.start + 4]! & FLAG_SUPPLIED_ID) !== 0
  }
  /** The position holds no datum: nothing else of the frame means anything. */
  get isVoid(): boolean {
    return (this.bytes[this.start + 4]! & FLAG_VOID) !== 0
  }
  get createdMs(): number {
    return createdMsAt(this.bytes, this.start)
  }
  get parentCount(): number {
    return this.bytes.readUInt16LE(this.start + 10)
  }
  /** The parents' ids, 16 bytes each, as a view. */
  get parents(): Buffer {
    const at = this.start + FRAME_HEADER_BYTES
    return this.bytes.subarray(at, at + this.parentCount * ID_BYTES)
  }
  /** The source's UTF-8, as a view. */
  get sourceBytes(): Buffer {
    const at = this.start + FRAME_HEADER_BYTES + this.parentCount * ID_BYTES
    return this.bytes.subarray(at, at + this.bytes[this.start + 5]!)
  }
  get source(): string {
    return sourceAt(this.bytes, this.start)
  }
  get contentType(): string {
    const length = this.bytes[this.start + 6]!
    if (length === 0) return JSON_TYPE
    const at = this.dataStart - this.bytes.readUInt16LE(this.start + 8) - this.bytes[this.start + 7]! - length
    return this.bytes.toString('latin1', at, at + length)
  }
  get isJson(): boolean {
    return this.bytes[this.start + 6] === 0
  }
  /** The topic it was first written to, where that is not the batch's own (a replay); empty otherwise. */
  get type(): string {
    const length = this.bytes[this.start + 7]!
    if (length === 0) return ''
    const at = this.dataStart - this.bytes.readUInt16LE(this.start + 8) - length
    return this.bytes.toString('utf8', at, at + length)
  }
  get key(): string {
    const length = this.bytes.readUInt16LE(this.start + 8)
    return length === 0 ? '' : this.bytes.toString('utf8', this.dataStart - length, this.dataStart)
  }
  get data(): Buffer {
    return this.bytes.subarray(this.dataStart, this.end)
  }
  /** `data` as text. In a batch that is all ASCII, a slice of one string: the cheapest decode measured. */
  get dataText(): string {
    if (!this.#ascii) return this.bytes.toString('utf8', this.dataStart, this.end)
    this.#text ??= this.bytes.toString('latin1', 0, this.bytes.length)
    return this.#text.slice(this.dataStart, this.end)
  }
  /** The whole frame, as a view. */
  get frame(): Buffer {
    return this.bytes.subarray(this.start, this.end)
  }

  envelope(topic: string): Envelope {
    const parents: DataId[] = []
    for (let i = 0, at = this.start + FRAME_HEADER_BYTES; i < this.parentCount; i++, at += ID_BYTES) parents.push(formatId(this.bytes, at))
    return {
      dataId: this.dataId,
      source: this.source,
      createdMs: this.createdMs,
      data: this.data,
      type: this.type || topic,
      ...(this.isJson ? {} : { contentType: this.contentType }),
      ...(parents.length === 0 ? {} : { parents }),
    }
  }
}

/** When the datum was created, of the frame that begins there; milliseconds since 1970 UTC. */
export function createdMsAt(frames: Buffer, start: number): number {
  return frames.readDoubleLE(start + 12)
}

/** The source of the frame that begins there. */
export function sourceAt(frames: Buffer, start: number): string {
  const at = start + FRAME_HEADER_BYTES + frames.readUInt16LE(start + 10) * ID_BYTES
  return frames.toString('utf8', at, at + frames[start + 5]!)
}

/** Short ASCII, which keys mostly are, is cheaper to copy here than to hand to the runtime. */
function writeShort(target: Buffer, text: string, at: number): number {
  if (text.length > SHORT_TEXT) return target.write(text, at)
  for (let i = 0; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code > 127) return target.write(text, at)
    target[at + i] = code
  }
  return text.length
}

function corrupt(at: number, length: number): MillraceError {
  return new MillraceError('FRAME_CORRUPT', `A frame at byte ${at} of ${length} does not end where it says.`)
}

/** Whether the id of any of the framed data is a producer's own. */
export function hasSupplied(frames: Uint8Array): boolean {
  const cursor = new FrameCursor(frames)
  while (cursor.next()) if (cursor.supplied) return true
  return false
}
