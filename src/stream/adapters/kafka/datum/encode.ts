import { bsonCodec } from '../../../../envelope/codecs/bson.ts'
import type { Codec } from '../../../../envelope/codecs/codec.ts'
import { jsonCodec } from '../../../../envelope/codecs/json.ts'
import { msgpackCodec } from '../../../../envelope/codecs/msgpack.ts'
import { ID_BYTES, ID_CHARACTERS } from '../../../../envelope/data-id.ts'
import { FRAME_HEADER_BYTES, FrameCursor } from '../../../../envelope/frame.ts'
import type { EnvelopeCodec } from '../options.ts'
import type { BatchWriter } from '../wire/batch-writer.ts'
import { writeId } from './id-text.ts'
import { Template } from './template.ts'

export const CODECS: Readonly<Record<EnvelopeCodec, Codec>> = { json: jsonCodec, msgpack: msgpackCodec, bson: bsonCodec }

const MAX_TEMPLATES = 1_024
const QUOTE = 0x22

/**
 * Writes data as records: the envelope as the value, what it says of itself as headers, the key as the key. Data of one source and type
 * differ in their id, time and payload alone, so everything else is made once, as a template, and copied.
 */
export class DatumEncoder {
  readonly #codec: Codec
  readonly #templates = new Map<string, Template>()
  #last: Template | undefined
  readonly #id = Buffer.alloc(ID_CHARACTERS)

  constructor(codec: EnvelopeCodec) {
    this.#codec = CODECS[codec]
  }

  /** Writes one record for each frame. @throws TypeError where a frame is void or its time has no RFC 3339 form: then none is written. */
  encode(topic: string, frames: Uint8Array, writer: BatchWriter): void {
    const { count, byteLength } = writer
    const cursor = new FrameCursor(frames)
    try {
      while (cursor.next()) this.#datum(topic, cursor, writer)
    } catch (error) {
      writer.rollBack(count, byteLength)
      throw error
    }
  }

  #datum(topic: string, cursor: FrameCursor, writer: BatchWriter): void {
    if (cursor.isVoid) throw new TypeError(`A void frame was appended to ${topic}: void marks a position that holds no datum.`)
    const template = this.#template(topic, cursor)
    template.date(cursor.createdMs)
    writeId(this.#id, 0, cursor.bytes, cursor.idAt)
    this.#id.copy(template.headers, template.headersIdAt)
    const { bytes, dataStart, start } = cursor
    const keyBytes = bytes.readUInt16LE(start + 8)
    const key = keyBytes === 0 ? undefined : bytes.subarray(dataStart - keyBytes, dataStart)
    if (this.#codec === jsonCodec) {
      this.#id.copy(template.prefix, template.prefixIdAt)
      this.#json(template, cursor, key, writer)
      return
    }
    const value = this.#codec.encode(cursor.envelope(topic))
    const at = writer.record(key, value.length, template.headers)
    writer.buffer.set(value, at)
  }

  /** The envelope as JSON, joined by hand: the same bytes as its codec's, without an object or a copy of the payload for each datum. */
  #json(template: Template, cursor: FrameCursor, key: Uint8Array | undefined, writer: BatchWriter): void {
    const { bytes, dataStart, end } = cursor
    const base64Bytes = Math.ceil((end - dataStart) / 3) * 4
    const parents = cursor.parentCount
    let at = writer.record(key, template.prefix.length + base64Bytes + 1 + template.tailBytes(parents), template.headers)
    const target = writer.buffer
    target.set(template.prefix, at)
    at += template.prefix.length
    target.write(bytes.toString('base64', dataStart, end), at, base64Bytes, 'latin1')
    at += base64Bytes
    target[at] = QUOTE
    template.writeTail(target, at + 1, bytes, cursor.start + FRAME_HEADER_BYTES, parents)
  }

  #template(topic: string, cursor: FrameCursor): Template {
    const { bytes, start } = cursor
    const from = start + FRAME_HEADER_BYTES + cursor.parentCount * ID_BYTES
    const [sourceBytes, contentTypeBytes, typeBytes] = [bytes[start + 5]!, bytes[start + 6]!, bytes[start + 7]!]
    const last = this.#last
    if (
      last !== undefined &&
      last.flags === bytes[start + 4]! &&
      last.sourceBytes === sourceBytes &&
      last.contentTypeBytes === contentTypeBytes &&
      last.typeBytes === typeBytes &&
      last.topic === topic &&
      same(last.label, bytes, from)
    ) {
      return last
    }
    const label = bytes.subarray(from, from + sourceBytes + contentTypeBytes + typeBytes)
    const name = `${bytes[start + 4]}.${sourceBytes}.${contentTypeBytes}.${typeBytes}.${topic}.${label.toString('latin1')}`
    let template = this.#templates.get(name)
    if (template === undefined) {
      // A producer that names a new source with each datum must not fill the memory.
      if (this.#templates.size >= MAX_TEMPLATES) this.#templates.clear()
      template = new Template({
        topic,
        label: Buffer.from(label),
        flags: bytes[start + 4]!,
        sourceBytes,
        contentTypeBytes,
        typeBytes,
        source: cursor.source,
        contentType: cursor.isJson ? undefined : cursor.contentType,
        type: cursor.type || topic,
        supplied: cursor.supplied,
        valueType: this.#codec.contentType,
      })
      this.#templates.set(name, template)
    }
    this.#last = template
    return template
  }
}

function same(label: Uint8Array, bytes: Uint8Array, from: number): boolean {
  for (let i = 0; i < label.length; i++) if (label[i] !== bytes[from + i]) return false
  return true
}
