import { type DataId, ID_BYTES, ID_CHARACTERS, isDataId, parseId } from '../../../../envelope/data-id.ts'
import { JSON_TYPE } from '../../../../envelope/envelope.ts'
import { readId } from './id-text.ts'
import { isAt } from './remembered.ts'

const text = (value: string) => Buffer.from(value, 'latin1')
const START = text('{"data_id":"')
const SOURCE = text('","source":"')
const CREATED = text('","created":"')
const DATA = text('","data":"')
const PARENTS = text(',"parents":[')
/** Around an id in the list: its quotes, and the comma or bracket behind it. */
const QUOTED = 3
const TIME_CHARACTERS = 24
const [QUOTE, COMMA, PAD, BACKSLASH, CLOSING_BRACKET, CLOSING_BRACE] = [0x22, 0x2c, 0x3d, 0x5c, 0x5d, 0x7d]
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
  /** Until the next datum is looked for. */
  parents: Buffer = NONE
  /** `","source":"…","created":"` of the datum before. */
  #between = NONE
  /** From the quote that closes the payload to the end, of the datum before, where it named no parents. */
  #tail = NONE
  #tailContentType: string = JSON_TYPE
  /** From the quote that closes the payload to the first parent's, of the datum before that named parents. */
  #toParents = NONE
  #toParentsContentType: string = JSON_TYPE
  /** Where parents are gathered: `parents` is a view of it. */
  #ids = Buffer.allocUnsafeSlow(32 * ID_BYTES)

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
    if (this.#toParents.length > 0 && isAt(this.#toParents, bytes, this.dataEnd) && this.#readParents(bytes, end)) return true
    const fields = tailFields(bytes.toString('utf8', this.dataEnd + 1, end))
    if (fields === undefined) return false
    this.contentType = fields.contentType
    this.parents = fields.parents
    if (fields.parents.length === 0) {
      this.#tail = Buffer.from(bytes.subarray(this.dataEnd, end))
      this.#tailContentType = fields.contentType
      return true
    }
    const list = bytes.indexOf(PARENTS, this.dataEnd)
    this.#toParents = list < 0 || list > end ? NONE : Buffer.from(bytes.subarray(this.dataEnd, list + PARENTS.length))
    this.#toParentsContentType = fields.contentType
    return true
  }

  /** What follows is a list of ids and nothing else, as Millrace writes it: a window names many, and JSON.parse would make a string of each. */
  #readParents(bytes: Buffer, end: number): boolean {
    const start = this.dataEnd + this.#toParents.length
    const count = (end - 1 - start) / (ID_CHARACTERS + QUOTED)
    if (!Number.isInteger(count) || count < 1 || bytes[end - 1] !== CLOSING_BRACE) return false
    if (this.#ids.length < count * ID_BYTES) this.#ids = Buffer.allocUnsafeSlow(2 * count * ID_BYTES)
    for (let i = 0, at = start; i < count; i++, at += ID_CHARACTERS + QUOTED) {
      const behind = at + 1 + ID_CHARACTERS
      if (bytes[at] !== QUOTE || bytes[behind] !== QUOTE || !readId(this.#ids, i * ID_BYTES, bytes, at + 1)) return false
      if (bytes[behind + 1] !== (i === count - 1 ? CLOSING_BRACKET : COMMA)) return false
    }
    this.contentType = this.#toParentsContentType
    this.parents = this.#ids.subarray(0, count * ID_BYTES)
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
