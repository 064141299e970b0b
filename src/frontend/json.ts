import { isAscii, isUtf8 } from 'node:buffer'
import { MillraceError } from '../errors.ts'

const OPEN_OBJECT = '{'
const OPEN_ARRAY = '['
const BACKSLASH = 0x5c
const QUOTE = 0x22

/** The text of bytes that claim to be JSON. @throws BODY_MALFORMED where they are not UTF-8: decoded anyway, they would be another datum. */
export function jsonText(bytes: Buffer): string {
  if (isAscii(bytes)) return bytes.toString('latin1')
  if (isUtf8(bytes)) return bytes.toString('utf8')
  throw new MillraceError('BODY_MALFORMED', 'The JSON has bytes that are not UTF-8.', { fix: 'Encode it as UTF-8.' })
}

/** Parses one datum. A key `__proto__` becomes an own property, as JSON.parse does it. @throws BODY_MALFORMED */
export function parseJson(text: string, maxDepth: number): unknown {
  if (isDeeper(text, maxDepth)) {
    throw new MillraceError('BODY_MALFORMED', `The JSON is nested more than ${maxDepth} deep.`, {
      fix: 'Flatten it, or raise the limit depth.',
    })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MillraceError('BODY_MALFORMED', `Expected JSON: ${cause instanceof Error ? cause.message : String(cause)}.`, {
      fix: 'Send one JSON value, or say in Content-Type what it is.',
      cause,
    })
  }
}

/**
 * Whether JSON text nests deeper than `maxDepth`. Text with fewer brackets than that cannot, and counting them is a native search;
 * only what is left is read character by character.
 */
export function isDeeper(text: string, maxDepth: number): boolean {
  if (text.length <= maxDepth) return false
  const brackets = countUpTo(text, OPEN_OBJECT, maxDepth)
  if (brackets <= maxDepth && brackets + countUpTo(text, OPEN_ARRAY, maxDepth) <= maxDepth) return false
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfString(text, at)
      if (at < 0) return false
    } else if (code === 0x7b || code === 0x5b) {
      if (++depth > maxDepth) return true
    } else if (code === 0x7d || code === 0x5d) depth--
  }
  return false
}

function countUpTo(text: string, bracket: string, most: number): number {
  let count = 0
  for (let at = text.indexOf(bracket); at >= 0 && count <= most; at = text.indexOf(bracket, at + 1)) count++
  return count
}

/** Index of the quote that closes the string that opens at `start`; −1 where none does. */
export function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end >= 0; end = text.indexOf('"', end + 1)) {
    let slashes = 0
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes++
    if (slashes % 2 === 0) return end
  }
  return -1
}

/** Whether a value that no text was scanned for (MessagePack, BSON) nests deeper than `maxDepth`. */
export function isValueDeeper(value: unknown, maxDepth: number): boolean {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return false
  if (maxDepth === 0) return true
  if (Array.isArray(value)) return value.some(item => isValueDeeper(item, maxDepth - 1))
  for (const item of Object.values(value)) if (isValueDeeper(item, maxDepth - 1)) return true
  return false
}
