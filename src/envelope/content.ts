import { isUtf8 } from 'node:buffer'
import { deserialize } from 'bson'
import { MillraceError } from '../errors.ts'
import { JSON_TYPE } from './envelope.ts'
import { unpack } from './msgpack.ts'

/**
 * What the bytes of a datum are, by their media type: `application/json` and `+json` a JSON value, `application/msgpack`,
 * `application/vnd.msgpack`, `application/x-msgpack` and `application/bson` what they encode, `text/*` a string, anything else the
 * bytes themselves (a view, not a copy). Decoding is not validating: the topic's schema does that.
 *
 * @param text the bytes as text, where the caller has a cheaper way than decoding them (`FrameCursor.dataText`).
 * @throws BODY_MALFORMED saying what was expected.
 */
export function decodeData(contentType: string, data: Buffer, text?: () => string): unknown {
  switch (kindOf(contentType)) {
    case 'json':
      return attempt(contentType, 'JSON', () => JSON.parse(utf8(contentType, data, text)))
    case 'msgpack':
      return attempt(contentType, 'MessagePack', () => unpack(data))
    case 'bson':
      return attempt(contentType, 'a BSON document', () => deserialize(data, BSON_OPTIONS))
    case 'text':
      return utf8(contentType, data, text)
    case 'bytes':
      return data
  }
}

/** Whether {@link decodeData} parses it as JSON. Parameters, such as a charset, do not matter: JSON is UTF-8 (RFC 8259 §8.1). */
export function isJsonType(contentType: string): boolean {
  return kindOf(contentType) === 'json'
}

type Kind = 'json' | 'msgpack' | 'bson' | 'text' | 'bytes'

function kindOf(contentType: string): Kind {
  if (contentType === JSON_TYPE) return 'json'
  const end = contentType.indexOf(';')
  const type = (end < 0 ? contentType : contentType.slice(0, end)).trim().toLowerCase()
  if (type === JSON_TYPE || type.endsWith('+json')) return 'json'
  if (type === 'application/msgpack' || type === 'application/vnd.msgpack' || type === 'application/x-msgpack') return 'msgpack'
  if (type === 'application/bson') return 'bson'
  return type.startsWith('text/') ? 'text' : 'bytes'
}

/** How BSON is read: binary as Buffers, integers as numbers where exact. The library defines a `__proto__` key as an own property. */
export const BSON_OPTIONS = { promoteBuffers: true, promoteLongs: true, bsonRegExp: true } as const

/** Decoded without care, a byte that is not UTF-8 becomes U+FFFD in silence, and the datum is no longer what was sent. */
function utf8(contentType: string, data: Buffer, text: (() => string) | undefined): string {
  const decoded = text === undefined ? data.toString('utf8') : text()
  if (decoded.includes('\uFFFD') && !isUtf8(data)) throw malformed(contentType, 'UTF-8', 'it has bytes that are not.')
  return decoded
}

function attempt(contentType: string, expected: string, decode: () => unknown): unknown {
  try {
    return decode()
  } catch (cause) {
    if (cause instanceof MillraceError) throw cause
    throw malformed(
      contentType,
      expected,
      cause instanceof Error ? `${unquoted(cause.message)}.`.replace(/\.\.$/, '.') : String(cause),
      cause,
    )
  }
}

function malformed(contentType: string, expected: string, found: string, cause?: unknown): MillraceError {
  return new MillraceError('BODY_MALFORMED', `Expected ${expected} (content type ${contentType}), but ${found}`, { cause })
}

/** What JSON.parse says is wrong without the piece of the datum that it quotes: letters' reasons and logs are read by people who may not see data. */
export function unquoted(message: string): string {
  return message.replace(/(, )?(\.{3})?"[\s\S]*"(\.{3})? is not valid JSON/, '')
}
