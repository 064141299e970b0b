import { isUtf8 } from 'node:buffer'
import { toWire } from '../envelope.ts'
import type { Codec, Submitted } from './codec.ts'
import { codecInvalid, type DataForm, readEnvelope, readSubmitted } from './fields.ts'

const FOREIGN_TO_BASE64 = /[^A-Za-z0-9+/=]/

export const base64: DataForm = {
  expected: 'base64 (RFC 4648 §4, padded)',
  bytes(value) {
    if (typeof value !== 'string' || value.length % 4 !== 0 || FOREIGN_TO_BASE64.test(value)) return undefined
    const bytes = Buffer.from(value, 'base64')
    // Node stops at a misplaced '=' in silence: the datum would be cut short.
    const padding = value.endsWith('==') ? 2 : value.endsWith('=') ? 1 : 0
    return bytes.length === (value.length / 4) * 3 - padding ? bytes : undefined
  },
}

/** The default: readable everywhere, a third larger. */
export const jsonCodec: Codec = {
  name: 'json',
  contentType: 'application/vnd.millrace.envelope+json',
  encode(envelope) {
    const { data } = envelope
    const text = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
    return Buffer.from(JSON.stringify(toWire(envelope, text)), 'utf8')
  },
  decode: bytes => readEnvelope(parse(bytes), base64),
  decodeSubmitted: bytes => readSubmitted(parse(bytes), base64),
}

/** A producer's envelope that is parsed already, such as a line of NDJSON. @throws CODEC_INVALID */
export function submittedFromJson(value: unknown): Submitted {
  return readSubmitted(value, base64)
}

function parse(bytes: Uint8Array): unknown {
  if (!isUtf8(bytes)) throw codecInvalid([{ path: '', message: 'Expected JSON in UTF-8, received bytes that are not UTF-8' }])
  try {
    return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'))
  } catch (cause) {
    throw codecInvalid([{ path: '', message: `Expected JSON: ${cause instanceof Error ? cause.message : cause}` }], cause)
  }
}
