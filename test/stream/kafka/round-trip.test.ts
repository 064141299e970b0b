import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseId } from '../../../src/envelope/data-id.ts'
import { type FrameParts, FrameWriter } from '../../../src/envelope/frame.ts'
import { CanonicalJson } from '../../../src/stream/adapters/kafka/datum/canonical-json.ts'
import { CODECS } from '../../../src/stream/adapters/kafka/datum/encode.ts'
import type { Compression, EnvelopeCodec } from '../../../src/stream/adapters/kafka/options.ts'
import { createdMs, envelope, payload, shortText, uuid } from '../../envelope/arbitraries.ts'
import { APPENDED_MS, batchOf, readLog, TOPIC } from './records.ts'

const frame: fc.Arbitrary<FrameParts> = fc.record({
  id: uuid.map(parseId),
  idAt: fc.constant(0),
  supplied: fc.boolean(),
  // The long way is taken where a source has quotes in it, and for one datum among others that have none.
  source: fc.oneof(shortText, fc.constant('generator-10'), fc.constant('"quoted\\"')).map(text => Buffer.from(text)),
  createdMs,
  contentType: fc.constantFrom('application/json', 'image/png', 'text/plain; charset=utf-8'),
  type: fc.oneof(
    fc.constant(''),
    fc.constant('sentiment'),
    shortText.filter(text => text !== TOPIC),
  ),
  key: fc.oneof(fc.constant(''), shortText, fc.constant('clé \uFFFD')),
  parents: fc.array(uuid, { maxLength: 5 }).map(ids => Buffer.concat(ids.map(parseId))),
  data: payload,
})

const batches = fc.array(frame, { minLength: 1, maxLength: 20 })

function framed(parts: readonly FrameParts[]): { frames: Uint8Array; count: number; ascii: boolean } {
  const writer = new FrameWriter()
  for (const one of parts) writer.add(one)
  return writer.take()
}

describe('a record batch', () => {
  for (const codec of ['json', 'msgpack', 'bson'] as const satisfies readonly EnvelopeCodec[]) {
    it(`gives back every byte of every frame from envelopes in ${codec}`, () => {
      fc.assert(
        fc.property(batches, parts => {
          const sent = framed(parts)
          const read = readLog([batchOf(sent.frames, codec)])
          expect(Buffer.from(read.frames).equals(Buffer.from(sent.frames))).toBe(true)
          expect({ first: read.first, count: read.count, ascii: read.ascii, appendedMs: read.appendedMs }).toEqual({
            first: 0,
            count: sent.count,
            ascii: sent.ascii,
            appendedMs: APPENDED_MS,
          })
        }),
        { numRuns: 300 },
      )
    })
  }

  for (const compression of ['none', 'gzip', 'snappy', 'lz4', 'zstd'] as const satisfies readonly Compression[]) {
    it(`is unpacked where it is packed with ${compression}`, () => {
      fc.assert(
        fc.property(batches, parts => {
          const sent = framed(parts)
          const read = readLog([batchOf(sent.frames, 'json', compression)])
          expect(Buffer.from(read.frames).equals(Buffer.from(sent.frames))).toBe(true)
        }),
        { numRuns: 30 },
      )
    })
  }

  it('is read from any offset within it', () => {
    fc.assert(
      fc.property(batches, fc.nat(), (parts, at) => {
        const from = at % parts.length
        const read = readLog([batchOf(framed(parts).frames)], from)
        expect(Buffer.from(read.frames).equals(Buffer.from(framed(parts.slice(from)).frames))).toBe(true)
        expect(read.first).toBe(from)
      }),
    )
  })
})

describe('the quick way to read an envelope', () => {
  it('is taken for what the JSON codec writes, and finds what is in it', () => {
    const json = new CanonicalJson()
    fc.assert(
      fc.property(envelope, one => {
        fc.pre(!/["\\]/.test(JSON.stringify(one.source).slice(1, -1)) && one.createdMs <= 253_402_300_799_999)
        const bytes = Buffer.from(CODECS.json.encode({ type: TOPIC, ...one }))
        expect(json.find(bytes, 0, bytes.length)).toBe(true)
        expect(bytes.toString('latin1', json.dataAt, json.dataEnd)).toBe(Buffer.from(one.data).toString('base64'))
        expect(json.contentType).toBe(one.contentType ?? 'application/json')
        expect(json.parents).toEqual(Buffer.concat((one.parents ?? []).map(parseId)))
      }),
      { numRuns: 300 },
    )
  })

  it('writes the same bytes as the JSON codec', () => {
    fc.assert(
      fc.property(frame, parts => {
        const { frames } = framed([parts])
        const batch = batchOf(frames, 'json', 'none')
        const expected = CODECS.json.encode({
          dataId: formatted(parts.id),
          source: Buffer.from(parts.source).toString('utf8'),
          createdMs: parts.createdMs,
          data: Buffer.from(parts.data as Uint8Array),
          type: parts.type || TOPIC,
          ...(parts.contentType === 'application/json' ? {} : { contentType: parts.contentType }),
          ...(parts.parents.length === 0 ? {} : { parents: idsIn(parts.parents) }),
        })
        expect(batch.includes(Buffer.from(expected))).toBe(true)
      }),
    )
  })
})

function formatted(id: Uint8Array): string {
  return Buffer.from(id)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

function idsIn(parents: Uint8Array): string[] {
  return Array.from({ length: parents.length / 16 }, (_, i) => formatted(parents.subarray(i * 16, i * 16 + 16)))
}
