import { isAscii, isUtf8 } from 'node:buffer'
import { MillraceError } from '../errors.ts'
import { endOfString } from './json.ts'
import type { Limits } from './limits.ts'

const LF = 0x0a
const QUOTE = 0x22
const COMMA = 0x2c

/** A batch's data as pieces of one text. Pieces of a string share its memory, so cutting costs next to nothing. */
export interface Lines {
  readonly count: number
  /** Whether all of them are known to be ASCII. */
  readonly ascii: boolean
  /** The number of a datum for people: its line, or its place in the array; from 1. */
  number(index: number): number
  /** @throws BODY_TOO_LARGE, BODY_MALFORMED: this datum alone is bad. */
  text(index: number): string
}

/** NDJSON (https://github.com/ndjson/ndjson-spec): a datum a line, empty lines skipped, CRLF taken too. @throws BODY_TOO_LARGE for too many. */
export function splitLines(body: Buffer, limits: Limits): Lines {
  if (isAscii(body)) return new Pieces(body.toString('latin1'), true, limits).lines()
  if (isUtf8(body)) return new Pieces(body.toString('utf8'), false, limits).lines()
  return new RawLines(body, limits)
}

/** The elements of a JSON array, each left as its producer wrote it. @throws BODY_MALFORMED where it is not one array, BODY_TOO_LARGE for too many. */
export function splitArray(body: Buffer, limits: Limits): Lines {
  if (isAscii(body)) return new Pieces(body.toString('latin1'), true, limits).elements()
  if (isUtf8(body)) return new Pieces(body.toString('utf8'), false, limits).elements()
  throw new MillraceError('BODY_MALFORMED', 'The JSON has bytes that are not UTF-8.', { fix: 'Encode it as UTF-8.' })
}

class Pieces implements Lines {
  readonly #text: string
  readonly ascii: boolean
  readonly #limits: Limits
  readonly #starts: number[] = []
  readonly #ends: number[] = []
  readonly #numbers: number[] = []

  constructor(text: string, ascii: boolean, limits: Limits) {
    this.#text = text
    this.ascii = ascii
    this.#limits = limits
  }

  get count(): number {
    return this.#starts.length
  }

  number(index: number): number {
    return this.#numbers[index]!
  }

  text(index: number): string {
    const line = this.#text.slice(this.#starts[index]!, this.#ends[index]!)
    checkLine(line, this.ascii, this.#limits)
    return line
  }

  lines(): this {
    const text = this.#text
    for (let start = 0, number = 1; start < text.length; number++) {
      const feed = text.indexOf('\n', start)
      const end = feed < 0 ? text.length : feed
      this.#add(start, end, number)
      start = end + 1
    }
    return this
  }

  /** Walks the array's own commas, passing over strings and whatever is nested; each element is judged when it is parsed. */
  elements(): this {
    const text = this.#text
    let start = spaceEnd(text, 0)
    if (text[start] !== '[') throw notAnArray(text[start] === undefined ? 'nothing' : JSON.stringify(text[start]))
    start++
    let depth = 1
    for (let at = start; at < text.length; at++) {
      const code = text.charCodeAt(at)
      if (code === QUOTE) {
        at = endOfString(text, at)
        if (at < 0) throw notAnArray('a string without an end')
      } else if (code === 0x5b || code === 0x7b) depth++
      else if (code === 0x5d || code === 0x7d) {
        if (--depth > 0) continue
        if (code !== 0x5d) throw notAnArray("a '}' where its ']' should be")
        this.#element(start, at, true)
        const rest = spaceEnd(text, at + 1)
        if (rest < text.length) throw notAnArray(`${JSON.stringify(text.slice(rest, rest + 10))} after it`)
        return this
      } else if (code === COMMA && depth === 1) {
        this.#element(start, at, false)
        start = at + 1
      }
    }
    throw notAnArray('no end of it')
  }

  #element(start: number, end: number, isLast: boolean): void {
    const number = this.count + 1
    // `[]` and nothing else may have nothing between its brackets.
    if (spaceEnd(this.#text, start) >= end && !(isLast && number === 1)) throw notAnArray(`nothing as element ${number}`)
    this.#add(start, end, number)
  }

  #add(from: number, to: number, number: number): void {
    const start = spaceEnd(this.#text, from)
    let end = to
    while (end > start && isSpace(this.#text.charCodeAt(end - 1))) end--
    if (end <= start) return
    if (this.#starts.length >= this.#limits.batchCount) throw tooMany(this.#limits)
    this.#starts.push(start)
    this.#ends.push(end)
    this.#numbers.push(number)
  }
}

/** Lines of a body that is not UTF-8 as a whole: those that are must not suffer for the others. */
class RawLines implements Lines {
  readonly ascii = false
  readonly #lines: Buffer[] = []
  readonly #numbers: number[] = []
  readonly #limits: Limits

  constructor(body: Buffer, limits: Limits) {
    this.#limits = limits
    for (let start = 0, number = 1; start < body.length; number++) {
      const feed = body.indexOf(LF, start)
      const end = feed < 0 ? body.length : feed
      if (end > start && !(end === start + 1 && body[start] === 0x0d)) {
        if (this.#lines.length >= limits.batchCount) throw tooMany(limits)
        this.#lines.push(body.subarray(start, end))
        this.#numbers.push(number)
      }
      start = end + 1
    }
  }

  get count(): number {
    return this.#lines.length
  }

  number(index: number): number {
    return this.#numbers[index]!
  }

  text(index: number): string {
    const line = this.#lines[index]!
    if (!isUtf8(line)) throw new MillraceError('BODY_MALFORMED', 'The line has bytes that are not UTF-8.', { fix: 'Encode it as UTF-8.' })
    const text = line.toString('utf8').trim()
    checkLine(text, false, this.#limits)
    return text
  }
}

function checkLine(line: string, ascii: boolean, limits: Limits): void {
  if (line.length <= limits.lineBytes && (ascii || line.length * 3 <= limits.lineBytes)) return
  const bytes = ascii ? line.length : Buffer.byteLength(line)
  if (bytes <= limits.lineBytes) return
  throw new MillraceError('BODY_TOO_LARGE', `The datum has ${bytes} bytes; at most ${limits.lineBytes} are taken in a batch.`, {
    fix: 'Send it alone, or raise the limit lineBytes.',
  })
}

function tooMany(limits: Limits): MillraceError {
  return new MillraceError('BODY_TOO_LARGE', `The batch holds more than ${limits.batchCount} data.`, {
    fix: 'Send it in smaller batches, or raise the limit batchCount.',
  })
}

function notAnArray(found: string): MillraceError {
  return new MillraceError('BODY_MALFORMED', `Expected a JSON array of data, found ${found}.`, {
    fix: 'Send an array, or one datum a line as application/x-ndjson.',
  })
}

/** JSON's own white space (RFC 8259 §2). */
function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09
}

function spaceEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && isSpace(text.charCodeAt(at))) at++
  return at
}
