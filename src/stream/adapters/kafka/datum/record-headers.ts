import { ID_CHARACTERS } from '../../../../envelope/data-id.ts'
import { parseTime } from '../../../../envelope/time.ts'
import type { RecordCursor } from '../wire/record.ts'
import { HEADER } from './headers.ts'
import { readId } from './id-text.ts'
import { isAt } from './remembered.ts'

/** A span of the record's bytes; `at` is −1 where there is none. */
export interface Span {
  at: number
  end: number
}

const NAMES = Object.values(HEADER).map(name => Buffer.from(name, 'utf8'))
const MINUTE_CHARACTERS = '2017-01-01T00:00'.length
const TIME_CHARACTERS = '2017-01-01T00:00:00.000Z'.length
const [COLON, DOT, Z, ZERO] = [0x3a, 0x2e, 0x5a, 0x30]

/** The headers that matter of one record after another. Of a header that is there twice, the last counts. */
export class RecordHeaders {
  readonly dataId: Span = { at: -1, end: -1 }
  readonly created: Span = { at: -1, end: -1 }
  readonly source: Span = { at: -1, end: -1 }
  readonly type: Span = { at: -1, end: -1 }
  readonly contentType: Span = { at: -1, end: -1 }
  readonly supplied: Span = { at: -1, end: -1 }
  /** In the order of NAMES. */
  readonly #spans: readonly Span[] = [this.dataId, this.created, this.source, this.type, this.contentType, this.supplied]
  /** The minute read last, as text, and when it began: data come in the order of their times, more or less. */
  #minute = Buffer.alloc(0)
  #minuteMs = 0

  read(record: RecordCursor): void {
    const spans = this.#spans
    for (let i = 0; i < spans.length; i++) spans[i]!.at = -1
    const { bytes, headers, headerCount } = record
    for (let i = 0; i < headerCount; i++) {
      const header = headers[i]!
      const index = named(bytes, header.nameAt, header.nameEnd, i)
      if (index < 0) continue
      const span = spans[index]!
      span.at = header.valueAt
      span.end = header.valueEnd
    }
  }

  /** Writes the id's 16 bytes. False where the header is not a UUID as Millrace writes it. */
  readId(bytes: Buffer, target: Uint8Array): boolean {
    const { at, end } = this.dataId
    return at >= 0 && end - at === ID_CHARACTERS && readId(target, 0, bytes, at)
  }

  /** Milliseconds since 1970 UTC; undefined where the header is not an RFC 3339 time. */
  readCreated(bytes: Buffer): number | undefined {
    const { at, end } = this.created
    if (at < 0) return undefined
    if (end - at === TIME_CHARACTERS && isAt(this.#minute, bytes, at, at + MINUTE_CHARACTERS)) {
      const ms = withinMinute(bytes, at + MINUTE_CHARACTERS)
      if (ms >= 0) return this.#minuteMs + ms
    }
    const text = bytes.toString('latin1', at, end)
    const createdMs = parseTime(text)
    if (createdMs !== undefined && end - at === TIME_CHARACTERS && text.endsWith('Z')) {
      this.#minute = Buffer.from(bytes.subarray(at, at + MINUTE_CHARACTERS))
      this.#minuteMs = Math.floor(createdMs / 60_000) * 60_000
    }
    return createdMs
  }
}

/** Which header it is; −1 where it is none that matters. Millrace writes them in order, so the first guess is right. */
function named(bytes: Buffer, at: number, end: number, guess: number): number {
  const guessed = NAMES[guess]
  if (guessed !== undefined && isAt(guessed, bytes, at, end)) return guess
  for (let i = 0; i < NAMES.length; i++) if (isAt(NAMES[i]!, bytes, at, end)) return i
  return -1
}

/** `:SS.mmmZ` as milliseconds; −1 where it is something else. A leap second goes the long way. */
function withinMinute(bytes: Buffer, at: number): number {
  if (bytes[at] !== COLON || bytes[at + 3] !== DOT || bytes[at + 7] !== Z) return -1
  let ms = 0
  for (const [place, worth] of DIGITS) {
    const digit = bytes[at + place]! - ZERO
    if (digit < 0 || digit > 9) return -1
    ms += digit * worth
  }
  return ms < 60_000 ? ms : -1
}

const DIGITS = [
  [1, 10_000],
  [2, 1_000],
  [4, 100],
  [5, 10],
  [6, 1],
] as const
