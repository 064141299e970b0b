import { isUtf8 } from 'node:buffer'
import type { DataForm } from '../envelope/codecs/fields.ts'
import { readEnvelope } from '../envelope/codecs/fields.ts'
import { base64 } from '../envelope/codecs/json.ts'
import { isMillraceError } from '../errors.ts'
import type { Found } from './found.ts'

/** An export has base64, a lake's NDJSON has JSON data as they are. Text is always taken for base64. */
const either: DataForm = {
  expected: 'base64 (RFC 4648 §4, padded), or JSON as it is',
  bytes: value => (typeof value === 'string' ? base64.bytes(value) : Buffer.from(JSON.stringify(value))),
}

/** What a plain datum in place of an envelope is told. */
export const NO_ENVELOPE = 'it is no envelope (it has neither data_id nor data): plain data are sent, with millrace send'

/** One line of NDJSON as an envelope. Never throws. */
export function envelopeLine(at: number, line: Buffer): Found {
  if (!isUtf8(line)) return { at, problem: 'expected JSON in UTF-8, received bytes that are not UTF-8' }
  let parsed: unknown
  try {
    parsed = JSON.parse(line.toString('utf8'))
  } catch (error) {
    return { at, problem: `expected JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  if (isPlain(parsed)) return { at, problem: NO_ENVELOPE }
  try {
    return { at, envelope: readEnvelope(parsed, either) }
  } catch (error) {
    if (isMillraceError(error, 'CODEC_INVALID')) return { at, problem: error.message }
    throw error
  }
}

function isPlain(value: unknown): boolean {
  return typeof value !== 'object' || value === null || !(Object.hasOwn(value, 'data_id') || Object.hasOwn(value, 'data'))
}
