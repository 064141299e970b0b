import { MillraceError } from '../../errors.ts'
import { type InputRecord, MAX_RECORD_BYTES, tooLong, withoutMark } from './lines.ts'

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const OPEN = new Set([0x5b, 0x7b])
const CLOSE = new Set([0x5d, 0x7d])
const SPACE = new Set([0x20, 0x09, 0x0a, 0x0d])

/**
 * A JSON array cut into its elements without parsing them, so that they are sent byte for byte as they stand, numbers beyond 2^53
 * among them. A single value that is no array is one datum. The front end judges whether each element is JSON.
 */
export async function* jsonArray(chunks: AsyncIterable<Buffer>): AsyncGenerator<InputRecord[]> {
  let depth = 0
  let inString = false
  let escaped = false
  let array: boolean | undefined
  let ended = false
  let element: Buffer[] = []
  let bytes = 0
  let count = 0
  for await (const chunk of withoutMark(chunks)) {
    const found: InputRecord[] = []
    let start = 0
    const take = (end: number) => {
      const data = trimmed(Buffer.concat([...element, chunk.subarray(start, end)]))
      if (data.length > 0) found.push({ line: ++count, data })
      element = []
      bytes = 0
    }
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (array === undefined) {
        if (SPACE.has(byte)) continue
        array = byte === 0x5b
        start = array ? at + 1 : at
        if (array) {
          depth = 1
          continue
        }
      }
      if (!array) break
      if (ended) {
        if (!SPACE.has(byte)) throw unfinished('goes on after the array has ended')
        start = at + 1
      } else if (escaped) escaped = false
      else if (inString) {
        if (byte === BACKSLASH) escaped = true
        else if (byte === QUOTE) inString = false
      } else if (byte === QUOTE) inString = true
      else if (OPEN.has(byte)) depth++
      else if (CLOSE.has(byte)) {
        depth--
        if (depth > 0) continue
        take(at)
        ended = true
        start = at + 1
      } else if (byte === COMMA && depth === 1) {
        take(at)
        start = at + 1
      }
    }
    if (start < chunk.length && array !== undefined) {
      element.push(chunk.subarray(start))
      bytes += chunk.length - start
      if (bytes > MAX_RECORD_BYTES) throw tooLong(count + 1)
    }
    if (found.length > 0) yield found
  }
  if (array === true && !ended) throw unfinished('ends inside the array')
  const value = trimmed(Buffer.concat(element))
  if (array === false && value.length > 0) yield [{ line: 1, data: value }]
}

function unfinished(how: string): MillraceError {
  return new MillraceError('BODY_MALFORMED', `The input is a JSON array that ${how}.`, {
    fix: 'Mend the file; what stood before was sent, and sending it again stores nothing twice.',
  })
}

function trimmed(text: Buffer): Buffer {
  let start = 0
  let end = text.length
  while (start < end && SPACE.has(text[start]!)) start++
  while (end > start && SPACE.has(text[end - 1]!)) end--
  return text.subarray(start, end)
}
