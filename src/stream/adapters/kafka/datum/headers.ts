import { varintBytes, writeVarint } from '../wire/varint.ts'

/**
 * What every record of Millrace says of itself in headers, as text, so that any client can read it without knowing the envelope:
 * `kcat -f '%h %s\n'`. They are the envelope's fields by the same names, but for `content-type`, which is that of the value. Written in this
 * order, in which a reader finds each of them where it looks first.
 */
export const HEADER = {
  dataId: 'data_id',
  created: 'created',
  source: 'source',
  type: 'type',
  contentType: 'content-type',
  /** Present where the producer gave the datum its id. */
  supplied: 'supplied',
} as const

/** Headers as the wire has them, their count before them. */
export function writeHeaders(headers: readonly (readonly [string, Uint8Array])[]): Buffer {
  const parts = headers.map(([name, value]) => [Buffer.from(name, 'utf8'), value] as const)
  let length = varintBytes(parts.length)
  for (const [name, value] of parts) length += varintBytes(name.length) + name.length + varintBytes(value.length) + value.length
  const bytes = Buffer.allocUnsafeSlow(length)
  let at = writeVarint(bytes, 0, parts.length)
  for (const [name, value] of parts) {
    at = writeVarint(bytes, at, name.length)
    at += name.copy(bytes, at)
    at = writeVarint(bytes, at, value.length)
    bytes.set(value, at)
    at += value.length
  }
  return bytes
}
