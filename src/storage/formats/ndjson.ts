import { isUtf8 } from 'node:buffer'
import { decodeData, isJsonType } from '../../envelope/content.ts'
import type { FrameCursor } from '../../envelope/frame.ts'
import { toJsonText } from '../../envelope/json-text.ts'
import { Timestamp } from '../../envelope/timestamp.ts'
import type { Topic } from '../../stream/topic.ts'
import { type Compression, compress } from './compression.ts'
import type { Encoder, Format, Sink } from './format.ts'
import type { Gathered } from './gathered.ts'

/** Pieces of this size compress as well as the whole does, within 1 %, and a reader can begin at each. */
const CHUNK_BYTES = 256 * 1024
/** What an envelope's line takes beside its data, source, types and parents, which are counted apart. */
const LINE_BYTES = 160
const NEWLINE = 0x0a
const RETURN = 0x0d
const SPACE = 0x20
const EXTENSIONS = { zstd: 'ndjson.zst', gzip: 'ndjson.gz', none: 'ndjson' } as const

export type NdjsonCompression = Exclude<Compression, 'snappy'>

/** One JSON value a line: the whole envelope, or the record alone. JSON stays as its producer sent it, but for line breaks between its tokens. */
export class Ndjson implements Format {
  readonly extension: string
  readonly chunkBytes = CHUNK_BYTES
  readonly #envelope: boolean
  readonly #compression: NdjsonCompression
  readonly #time = new Timestamp()
  readonly #sources = new Map<string, string>()

  constructor(envelope: boolean, compression: NdjsonCompression) {
    this.extension = EXTENSIONS[compression]
    this.#envelope = envelope
    this.#compression = compression
  }

  gather(cursor: FrameCursor, offset: number, topic: Topic, ascii: boolean, into: Gathered): string | undefined {
    const json = cursor.isJson || isJsonType(cursor.contentType)
    if (json && !ascii && !isUtf8(cursor.data)) return 'its JSON is not valid UTF-8'
    if (this.#envelope) {
      const text = json ? undefined : `"${cursor.data.toString('base64')}"`
      this.#gatherEnvelope(cursor, topic, text, into)
      into.span.add(offset, cursor.bytes, cursor.idAt)
      return undefined
    }
    if (json) {
      into.reserve(cursor.end - cursor.dataStart + 1)
      copyJson(cursor, into)
    } else {
      const text = plainText(cursor)
      if (text.issue !== undefined) return text.issue
      into.reserve(text.json.length * 3 + 1)
      into.length += into.bytes.write(text.json, into.length)
    }
    into.bytes[into.length++] = NEWLINE
    into.span.add(offset, cursor.bytes, cursor.idAt)
    return undefined
  }

  #gatherEnvelope(cursor: FrameCursor, topic: Topic, text: string | undefined, into: Gathered): void {
    const source = this.#source(cursor.source)
    const contentType = cursor.isJson ? '' : `,"content_type":${JSON.stringify(cursor.contentType)}`
    const head = `","source":${source},"created":"${this.#time.of(cursor.createdMs)}","type":"${topic.name}"${contentType},"data":`
    into.reserve(LINE_BYTES + head.length * 3 + (text?.length ?? cursor.end - cursor.dataStart) + cursor.parentCount * 40)
    into.length += into.bytes.write('{"data_id":"', into.length, 'latin1')
    writeId(cursor.bytes, cursor.idAt, into)
    into.length += into.bytes.write(head, into.length)
    if (text === undefined) copyJson(cursor, into)
    else into.length += into.bytes.write(text, into.length, 'latin1')
    writeParents(cursor, into)
    into.bytes[into.length++] = 0x7d
    into.bytes[into.length++] = NEWLINE
  }

  /** A source as JSON. Few sources send many data. */
  #source(source: string): string {
    let json = this.#sources.get(source)
    if (json === undefined) {
      if (this.#sources.size === MOST_SOURCES) this.#sources.clear()
      json = JSON.stringify(source)
      this.#sources.set(source, json)
    }
    return json
  }

  encoder(): Encoder {
    return {
      encode: (gathered: Gathered, sink: Sink) => {
        sink.append(compress(this.#compression, gathered.view()))
        sink.holds(gathered.span)
      },
      finish: () => undefined,
    }
  }
}

const MOST_SOURCES = 10_000

/** JSON has line breaks only between its tokens, where a space is as good. */
function copyJson(cursor: FrameCursor, into: Gathered): void {
  const start = into.length
  const bytes = into.bytes
  into.length += cursor.bytes.copy(bytes, start, cursor.dataStart, cursor.end)
  for (let i = start; i < into.length; i++) if (bytes[i] === NEWLINE || bytes[i] === RETURN) bytes[i] = SPACE
}

/** What is not JSON, as JSON: MessagePack and BSON what they encode, text a string, bytes their base64. */
function plainText(cursor: FrameCursor): { json: string; issue?: undefined } | { issue: string } {
  try {
    return { json: toJsonText(decodeData(cursor.contentType, cursor.data)) }
  } catch (error) {
    return { issue: `its data cannot be read: ${error instanceof Error ? error.message : String(error)}` }
  }
}

const HEX = Uint8Array.from('0123456789abcdef', digit => digit.charCodeAt(0))
const DASH = 0x2d
const QUOTE = 0x22

/** An id's 36 characters, without a string for each. */
function writeId(bytes: Uint8Array, at: number, into: Gathered): void {
  const target = into.bytes
  let to = into.length
  for (let i = 0; i < 16; i++) {
    const byte = bytes[at + i]!
    if (i === 4 || i === 6 || i === 8 || i === 10) target[to++] = DASH
    target[to++] = HEX[byte >> 4]!
    target[to++] = HEX[byte & 15]!
  }
  into.length = to
}

function writeParents(cursor: FrameCursor, into: Gathered): void {
  const count = cursor.parentCount
  if (count === 0) return
  const parents = cursor.parents
  into.length += into.bytes.write(',"parents":[', into.length, 'latin1')
  for (let i = 0; i < count; i++) {
    if (i > 0) into.bytes[into.length++] = 0x2c
    into.bytes[into.length++] = QUOTE
    writeId(parents, i * 16, into)
    into.bytes[into.length++] = QUOTE
  }
  into.bytes[into.length++] = 0x5d
}
