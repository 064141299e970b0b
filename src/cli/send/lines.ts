import { MillraceError } from '../../errors.ts'

/** One datum of an input, with the place that a person finds it by. */
export interface InputDatum {
  /** Line of the file, from 1; in a JSON array the element's number. */
  readonly line: number
  /** JSON text, byte for byte as it stands in the input where that is JSON. */
  readonly data: Buffer
}

/** A record that cannot be sent as it is: it never leaves this machine. */
export interface InputFault {
  readonly line: number
  readonly problem: string
}

export type InputRecord = InputDatum | InputFault

/** Longer than any front end accepts; a file that is not lines at all must not be gathered in memory. */
export const MAX_RECORD_BYTES = 67_108_864

const NEWLINE = 0x0a
const RETURN = 0x0d
const BYTE_ORDER_MARK = Buffer.from([0xef, 0xbb, 0xbf])

/** NDJSON: a datum a line, empty lines left out. Cut at bytes: readline would also cut at U+2028, which JSON strings may hold. */
export async function* ndjson(chunks: AsyncIterable<Buffer>): AsyncGenerator<InputRecord[]> {
  let line = 0
  for await (const found of cutLines(chunks)) {
    const records: InputRecord[] = []
    for (const data of found) {
      line++
      if (!isBlank(data)) records.push({ line, data })
    }
    yield records
  }
}

async function* cutLines(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer[]> {
  let rest: Buffer[] = []
  let restBytes = 0
  let lines = 0
  for await (const chunk of withoutMark(chunks)) {
    const found: Buffer[] = []
    let start = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, start)) {
      const piece = chunk.subarray(start, end)
      found.push(trimReturn(rest.length === 0 ? piece : Buffer.concat([...rest, piece])))
      rest = []
      restBytes = 0
      start = end + 1
    }
    if (start < chunk.length) {
      rest.push(chunk.subarray(start))
      restBytes += chunk.length - start
    }
    lines += found.length
    if (restBytes > MAX_RECORD_BYTES) throw tooLong(lines + 1)
    if (found.length > 0) yield found
  }
  if (rest.length > 0) yield [trimReturn(Buffer.concat(rest))]
}

/** Without the byte order mark that some programs begin UTF-8 with: JSON allows none. */
export async function* withoutMark(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let head: Buffer | undefined = Buffer.alloc(0)
  for await (const chunk of chunks) {
    if (head === undefined) {
      yield chunk
      continue
    }
    head = Buffer.concat([head, chunk])
    if (head.length < BYTE_ORDER_MARK.length) continue
    yield unmarked(head)
    head = undefined
  }
  if (head !== undefined && head.length > 0) yield head
}

function unmarked(head: Buffer): Buffer {
  return head.subarray(0, BYTE_ORDER_MARK.length).equals(BYTE_ORDER_MARK) ? head.subarray(BYTE_ORDER_MARK.length) : head
}

export function tooLong(line: number): MillraceError {
  return new MillraceError('BODY_TOO_LARGE', `Line ${line} of the input is longer than ${MAX_RECORD_BYTES} bytes.`, {
    fix: 'Put one datum on each line (NDJSON), or say what the input is with --format json or --format csv.',
  })
}

function trimReturn(line: Buffer): Buffer {
  return line.at(-1) === RETURN ? line.subarray(0, -1) : line
}

function isBlank(line: Buffer): boolean {
  for (const byte of line) if (byte !== 0x20 && byte !== 0x09 && byte !== RETURN) return false
  return true
}
