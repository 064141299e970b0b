import { formatId, ID_BYTES, ID_CHARACTERS } from '../../../../envelope/data-id.ts'
import { HEADER, writeHeaders } from './headers.ts'
import { writeId } from './id-text.ts'

export interface TemplateParts {
  readonly topic: string
  /** The frame's bytes of source, content type and type: two data with the same make the same record but for id, time and payload. */
  readonly label: Buffer
  readonly flags: number
  readonly sourceBytes: number
  readonly contentTypeBytes: number
  readonly typeBytes: number
  readonly source: string
  /** Of the data; undefined is JSON. */
  readonly contentType: string | undefined
  readonly type: string
  readonly supplied: boolean
  /** Of the record's value. */
  readonly valueType: string
}

const TIME_CHARACTERS = 24
/** In '2017-01-01T00:00:00.000Z'. */
const THOUSANDTHS_AT = 20
const NO_ID = formatId(Buffer.alloc(ID_BYTES), 0)
const NO_TIME = '0000-01-01T00:00:00.000Z'
const PARENTS = Buffer.from(',"parents":[')
/** Around an id in the list: its quotes, and the comma or bracket behind it. */
const QUOTED = 3
const [QUOTE, COMMA, CLOSING_BRACKET, CLOSING_BRACE] = [0x22, 0x2c, 0x5d, 0x7d]
/** RFC 3339 has years of four digits. */
const FIRST_MS = -62_167_219_200_000
const LAST_MS = 253_402_300_799_999

/** A record of one source and type without its payload, with places for id and time. */
export class Template {
  readonly topic: string
  readonly label: Buffer
  readonly flags: number
  readonly sourceBytes: number
  readonly contentTypeBytes: number
  readonly typeBytes: number
  /** The record's headers, as the wire has them. */
  readonly headers: Buffer
  readonly headersIdAt: number
  /** The JSON envelope up to the payload. */
  readonly prefix: Buffer
  readonly prefixIdAt: number
  /** The JSON envelope from behind the payload's closing quote, without parents. */
  readonly #tail: Buffer
  readonly #headersTimeAt: number
  readonly #prefixTimeAt: number
  #createdMs = Number.NaN
  #second = Number.NaN

  constructor(parts: TemplateParts) {
    this.topic = parts.topic
    this.label = parts.label
    this.flags = parts.flags
    this.sourceBytes = parts.sourceBytes
    this.contentTypeBytes = parts.contentTypeBytes
    this.typeBytes = parts.typeBytes
    const text = (value: string) => Buffer.from(value, 'utf8')
    this.headers = writeHeaders([
      [HEADER.dataId, text(NO_ID)],
      [HEADER.created, text(NO_TIME)],
      [HEADER.source, text(parts.source)],
      [HEADER.type, text(parts.type)],
      [HEADER.contentType, text(parts.valueType)],
      ...(parts.supplied ? [[HEADER.supplied, text('true')] as const] : []),
    ])
    this.headersIdAt = this.headers.indexOf(NO_ID)
    this.#headersTimeAt = this.headers.indexOf(NO_TIME)
    const toId = '{"data_id":"'
    const toTime = `","source":${JSON.stringify(parts.source)},"created":"`
    this.prefix = text(`${toId}${NO_ID}${toTime}${NO_TIME}","data":"`)
    this.prefixIdAt = toId.length
    this.#prefixTimeAt = toId.length + ID_CHARACTERS + Buffer.byteLength(toTime)
    const contentType = parts.contentType === undefined ? '' : `,"content_type":${JSON.stringify(parts.contentType)}`
    this.#tail = text(`,"type":${JSON.stringify(parts.type)}${contentType}}`)
  }

  /** Puts the time in its places. @throws TypeError where it has no RFC 3339 form. */
  date(createdMs: number): void {
    if (createdMs === this.#createdMs) return
    if (!(createdMs >= FIRST_MS && createdMs <= LAST_MS)) {
      throw new TypeError(`A datum of ${this.topic} was created at ${createdMs} ms, which RFC 3339 has no form for.`)
    }
    const ms = Math.trunc(createdMs)
    const second = Math.floor(ms / 1_000)
    // Data mostly come within a second of each other, and making the text of a time costs as much as all the rest of a datum.
    if (second !== this.#second) {
      const time = new Date(ms).toISOString()
      this.headers.write(time, this.#headersTimeAt, TIME_CHARACTERS, 'latin1')
      this.prefix.write(time, this.#prefixTimeAt, TIME_CHARACTERS, 'latin1')
      this.#second = second
    } else {
      writeThousandths(this.headers, this.#headersTimeAt + THOUSANDTHS_AT, ms - second * 1_000)
      writeThousandths(this.prefix, this.#prefixTimeAt + THOUSANDTHS_AT, ms - second * 1_000)
    }
    this.#createdMs = createdMs
  }

  /** Bytes of what {@link writeTail} writes for a datum that was derived from so many. */
  tailBytes(parents: number): number {
    return this.#tail.length + (parents === 0 ? 0 : PARENTS.length + parents * (ID_CHARACTERS + QUOTED))
  }

  /** The JSON envelope from behind the payload's closing quote, with the ids at `from` that the datum was derived from. */
  writeTail(target: Uint8Array, start: number, bytes: Uint8Array, from: number, parents: number): void {
    target.set(this.#tail, start)
    if (parents === 0) return
    // Over the closing brace.
    let at = start + this.#tail.length - 1
    target.set(PARENTS, at)
    at += PARENTS.length
    for (let i = 0; i < parents; i++) {
      target[at] = QUOTE
      writeId(target, at + 1, bytes, from + i * ID_BYTES)
      target[at + 1 + ID_CHARACTERS] = QUOTE
      target[at + 2 + ID_CHARACTERS] = i === parents - 1 ? CLOSING_BRACKET : COMMA
      at += ID_CHARACTERS + QUOTED
    }
    target[at] = CLOSING_BRACE
  }
}

const DIGITS = Buffer.from('0123456789')

function writeThousandths(target: Uint8Array, at: number, thousandths: number): void {
  target[at] = DIGITS[Math.floor(thousandths / 100)]!
  target[at + 1] = DIGITS[Math.floor(thousandths / 10) % 10]!
  target[at + 2] = DIGITS[thousandths % 10]!
}
