import { type DataId, ID_CHARACTERS, isDataId, parseId } from '../../../../envelope/data-id.ts'
import { JSON_TYPE } from '../../../../envelope/envelope.ts'
import { isAt } from './remembered.ts'

const text = (value: string) => Buffer.from(value, 'latin1')
const START = text('{"data_id":"')
const SOURCE = text('","source":"')
const CREATED = text('","created":"')
const DATA = text('","data":"')
const TIME_CHARACTERS = 24
const [QUOTE, BACKSLASH, PAD] = [0x22, 0x5c, 0x3d]
const NONE = Buffer.alloc(0)

/**
 * Finds the payload of an envelope in JSON that is laid out as Millrace writes it, without parsing it. What lies before and behind the
 * payload is mostly the same from datum to datum, so it is compared with the datum before.
 */
export class CanonicalJson {
  dataAt = 0
  dataEnd = 0
  /** Of the payload. */
  contentType: string = JSON_TYPE
  parents: Buffer = NONE
  /** `","source":"…","created":"` of the datum before. */
  #between = NONE
  /** From the quote that closes the payload to the end, of the datum before, where it named no parents. */
  #tail = NONE
  #tailContentType: string = JSON_TYPE

  /** False where it is laid out in another way, or is no envelope. Then the fields mean nothing. */
  find(bytes: Buffer, at: number, end: number): boolean {
    const idEnd = at + START.length + ID_CHARACTERS
    if (!isAt(START, bytes, at)) return false
    const asBefore = this.#between.length > 0 && isAt(this.#between, bytes, idEnd)
    if (!asBefore && !this.#findBetween(bytes, idEnd, end)) return false
    const timeEnd = idEnd + this.#between.length + TIME_CHARACTERS
    this.dataAt = timeEnd + DATA.length
    if (this.dataAt > end || !isAt(DATA, bytes, timeEnd)) return false
    return this.#findTail(bytes, end)
  }

  /** How many of the payload's last characters stand for nothing. */
  padding(bytes: Buffer): number {
    if (this.dataEnd === this.dataAt || bytes[this.dataEnd - 1] !== PAD) return 0
    return bytes[this.dataEnd - 2] === PAD ? 2 : 1
  }

  #findBetween(bytes: Buffer, at: number, end: number): boolean {
    if (!isAt(SOURCE, bytes, at)) return false
    const close = closingQuote(bytes, at + SOURCE.length, end)
    if (close < 0 || !isAt(CREATED, bytes, close)) return false
    this.#between = Buffer.from(bytes.subarray(at, close + CREATED.length))
    return true
  }

  #findTail(bytes: Buffer, end: number): boolean {
    const tail = this.#tail
    const at = end - tail.length
    // A payload that held a quote would come out of base64 too short: the caller looks at that.
    if (tail.length > 0 && at >= this.dataAt && isAt(tail, bytes, at, end)) {
      this.dataEnd = at
      this.contentType = this.#tailContentType
      this.parents = NONE
      return true
    }
    this.dataEnd = bytes.indexOf(QUOTE, this.dataAt)
    if (this.dataEnd < 0 || this.dataEnd >= end) return false
    const fields = tailFields(bytes.toString('utf8', this.dataEnd + 1, end))
    if (fields === undefined) return false
    this.contentType = fields.contentType
    this.parents = fields.parents
    if (fields.parents.length === 0) {
      this.#tail = Buffer.from(bytes.subarray(this.dataEnd, end))
      this.#tailContentType = fields.contentType
    }
    return true
  }
}

/** A quote that no backslash comes before; −1 where a backslash comes first: such a text is for the long way. */
function closingQuote(bytes: Buffer, at: number, end: number): number {
  for (let i = at; i < end; i++) {
    if (bytes[i] === QUOTE) return i
    if (bytes[i] === BACKSLASH) return -1
  }
  return -1
}

/** `,"type":"…","content_type":"…","parents":["…"]}`, each of them or none. */
function tailFields(tail: string): { contentType: string; parents: Buffer } | undefined {
  if (!/^(?:,"[a-z_]+":|\}$)/.test(tail)) return undefined
  let fields: { content_type?: unknown; parents?: unknown; data?: unknown }
  try {
    fields = JSON.parse(`{${tail.replace(/^,/, '')}`)
  } catch {
    // Not an envelope of this layout: the long way says what it is.
    return undefined
  }
  const { content_type: contentType = JSON_TYPE, parents = [], data } = fields
  if (typeof contentType !== 'string' || contentType.length > 255 || data !== undefined) return undefined
  if (!Array.isArray(parents) || !parents.every((id): id is DataId => typeof id === 'string' && isDataId(id))) return undefined
  return { contentType, parents: parents.length === 0 ? NONE : Buffer.concat(parents.map(parseId)) }
}
