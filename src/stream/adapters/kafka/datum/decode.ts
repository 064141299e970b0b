import { ID_BYTES, parseId } from '../../../../envelope/data-id.ts'
import { JSON_TYPE } from '../../../../envelope/envelope.ts'
import type { FrameParts, FrameWriter } from '../../../../envelope/frame.ts'
import type { RecordCursor } from '../wire/record.ts'
import { CanonicalJson } from './canonical-json.ts'
import { CODECS } from './encode.ts'
import { keyText, type RecordPlace, readForeign } from './foreign.ts'
import { RecordHeaders } from './record-headers.ts'
import { isAt, Remembered } from './remembered.ts'

const NONE = Buffer.alloc(0)
const JSON_ENVELOPE = Buffer.from(CODECS.json.contentType, 'latin1')
const BASE64_GROUP = 4
const MAX_LABEL_BYTES = 255

/**
 * Reads records into frames. What Millrace writes as JSON is recognised by its layout and read where it lies; anything else goes the long
 * way, which takes every record there can be.
 */
export class DatumDecoder {
  readonly #topic: string
  readonly #headers = new RecordHeaders()
  readonly #json = new CanonicalJson()
  readonly #source = new Remembered()
  readonly #type = new Remembered()
  #payload = Buffer.allocUnsafeSlow(64 * 1024)
  readonly #parts: FrameParts = {
    id: Buffer.alloc(ID_BYTES),
    idAt: 0,
    supplied: false,
    source: NONE,
    createdMs: 0,
    contentType: JSON_TYPE,
    type: '',
    key: '',
    parents: NONE,
    data: NONE,
  }
  readonly #id = Buffer.alloc(ID_BYTES)

  /** @param topic the topic's own name: data that were first written to another carry that one's. */
  constructor(topic: string) {
    this.#topic = topic
  }

  decode(record: RecordCursor, place: RecordPlace, writer: FrameWriter): void {
    const headers = this.#headers
    headers.read(record)
    if (!this.#ours(record)) this.#foreign(record, place)
    const parts = this.#parts
    parts.supplied = headers.supplied.at >= 0
    parts.key = record.keyAt >= 0 && record.keyEnd > record.keyAt ? keyText(record.bytes, record.keyAt, record.keyEnd) : ''
    if (parts.type === this.#topic) parts.type = ''
    writer.add(parts)
  }

  /** A record as Millrace writes it: the headers all there, and the envelope as JSON in the order of its codec. */
  #ours({ bytes, valueAt, valueEnd }: RecordCursor): boolean {
    const [headers, json, parts] = [this.#headers, this.#json, this.#parts]
    const { contentType, source, type } = headers
    if (!isAt(JSON_ENVELOPE, bytes, contentType.at, contentType.end) || !isLabel(source) || !isLabel(type)) return false
    if (!headers.readId(bytes, this.#id) || !json.find(bytes, valueAt, valueEnd)) return false
    const createdMs = headers.readCreated(bytes)
    const payloadBytes = this.#decodePayload(bytes)
    if (createdMs === undefined || payloadBytes < 0) return false
    parts.id = this.#id
    parts.createdMs = createdMs
    parts.source = this.#source.bytes(bytes, source.at, source.end)
    parts.type = this.#type.text(bytes, type.at, type.end)
    parts.contentType = json.contentType
    parts.parents = json.parents
    parts.data = this.#payload.subarray(0, payloadBytes)
    return true
  }

  /** @returns how many bytes the payload has; −1 where it is not base64. */
  #decodePayload(bytes: Buffer): number {
    const { dataAt, dataEnd } = this.#json
    const characters = dataEnd - dataAt
    if (characters % BASE64_GROUP !== 0) return -1
    if (this.#payload.length < characters) this.#payload = Buffer.allocUnsafeSlow(characters * 2)
    const written = this.#payload.write(bytes.toString('latin1', dataAt, dataEnd), 0, 'base64')
    // Node passes over what is not base64: then fewer bytes come out than there were characters for.
    return written === (characters / BASE64_GROUP) * 3 - this.#json.padding(bytes) ? written : -1
  }

  #foreign(record: RecordCursor, place: RecordPlace): void {
    const parts = this.#parts
    const datum = readForeign(record, this.#headers, place)
    parts.id = datum.id
    parts.createdMs = datum.createdMs
    parts.source = Buffer.from(datum.source, 'utf8')
    parts.type = datum.type
    parts.contentType = datum.contentType
    parts.parents = datum.parents.length === 0 ? NONE : Buffer.concat(datum.parents.map(parseId))
    parts.data = datum.data
  }
}

function isLabel({ at, end }: { readonly at: number; readonly end: number }): boolean {
  return at >= 0 && end > at && end - at <= MAX_LABEL_BYTES
}
