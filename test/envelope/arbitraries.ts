import { randomBytes } from 'node:crypto'
import fc from 'fast-check'
import type { Envelope } from '../../src/envelope/envelope.ts'

/** Payloads that break careless code: empty, all byte values, text, JSON, invalid UTF-8, base64's three remainders. */
export const payload: fc.Arbitrary<Uint8Array> = fc.oneof(
  fc.uint8Array({ maxLength: 400 }),
  fc.string({ unit: 'binary', maxLength: 100 }).map(text => Buffer.from(text, 'utf8')),
  fc.json().map(text => Buffer.from(text, 'utf8')),
  fc.constantFrom<Uint8Array>(
    new Uint8Array(0),
    Uint8Array.of(0),
    Uint8Array.of(0xff, 0xfe, 0xfd),
    Uint8Array.of(0xc3, 0x28, 0xa0, 0xa1),
    Uint8Array.of(0xed, 0xa0, 0x80),
    Uint8Array.from({ length: 256 }, (_, i) => i),
  ),
)

export const uuid = fc.uuid()

/** Text that fits into 255 bytes of UTF-8 and has a UTF-8 form at all. */
export const shortText = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 30 }).filter(text => Buffer.byteLength(text) <= 255)

export const createdMs = fc.oneof(fc.integer({ min: 0, max: 253_402_300_799_999 }), fc.constant(0))

export const envelope: fc.Arbitrary<Envelope> = fc.record(
  {
    dataId: uuid,
    source: shortText,
    createdMs,
    data: payload,
    type: shortText,
    contentType: fc.constantFrom('application/json', 'image/png', 'text/plain; charset=utf-8', 'application/octet-stream'),
    parents: fc.array(uuid, { maxLength: 25 }),
  },
  { requiredKeys: ['dataId', 'source', 'createdMs', 'data'] },
)

export const tenMegabytes = (): Buffer => randomBytes(10_000_000)

/** An envelope with its bytes as numbers, so that two compare by value whichever class holds the bytes. */
export function plain(value: Envelope): unknown {
  return { ...value, data: Buffer.from(value.data).toString('hex') }
}
