import { deserialize, serialize, UUID } from 'bson'
import fc from 'fast-check'
import { pack, unpack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { type Codec, codecFor, codecs, submittedFromJson } from '../../../src/envelope/codecs/index.ts'
import type { Envelope } from '../../../src/envelope/envelope.ts'
import { isMillraceError, type MillraceError } from '../../../src/errors.ts'
import { envelope, plain, tenMegabytes } from '../arbitraries.ts'

const ID = '01941f29-7c00-7a5e-8c3b-0123456789ab'
const base: Envelope = { dataId: ID, source: 'generator-10', createdMs: 1_483_228_800_000, data: Buffer.from('{"a":1}') }

/** Any value in a codec's own format, as a producer in another language would write it. */
const foreign: Record<Codec['name'], { write(value: unknown): Uint8Array; read(bytes: Uint8Array): unknown; data: unknown }> = {
  json: { write: value => Buffer.from(JSON.stringify(value)), read: bytes => JSON.parse(Buffer.from(bytes).toString()), data: 'aGk=' },
  msgpack: { write: value => pack(value), read: bytes => unpack(bytes), data: Buffer.from('hi') },
  bson: {
    write: value => serialize(value as object),
    read: bytes => deserialize(bytes, { promoteBuffers: true }),
    data: Buffer.from('hi'),
  },
}

function refusal(act: () => unknown): MillraceError {
  try {
    act()
  } catch (error) {
    if (isMillraceError(error, 'CODEC_INVALID')) return error
    throw error
  }
  throw new Error('It was accepted.')
}

for (const codec of codecs) {
  const wire = foreign[codec.name]
  const whole = { data_id: ID, source: 's', created: '2017-01-01T00:00:00Z', data: wire.data }

  describe(`the ${codec.name} codec`, () => {
    it('gives back every envelope byte for byte', () => {
      fc.assert(
        fc.property(envelope, value => {
          expect(plain(codec.decode(codec.encode(value)))).toEqual(plain(value))
        }),
      )
    })

    it('gives back 10 MB, and one beyond the 17 MB buffer of the BSON library', () => {
      const data = tenMegabytes()
      expect(Buffer.compare(codec.decode(codec.encode({ ...base, data })).data, data)).toBe(0)
      const larger = Buffer.concat([data, data])
      expect(Buffer.compare(codec.decode(codec.encode({ ...base, data: larger })).data, larger)).toBe(0)
    })

    it('hands out bytes that a later encode does not touch', () => {
      const first = codec.encode(base)
      const before = Buffer.from(first)
      for (let i = 0; i < 200; i++) codec.encode({ ...base, data: Buffer.alloc(1_000, i) })
      expect(Buffer.compare(first, before)).toBe(0)
    })

    it('writes the wire’s field names, and no field that is absent', () => {
      expect(Object.keys(wire.read(codec.encode(base)) as object)).toEqual(['data_id', 'source', 'created', 'data'])
      const full = wire.read(codec.encode({ ...base, type: 'demand', contentType: 'text/plain', parents: [ID] }))
      expect(full).toMatchObject({ created: '2017-01-01T00:00:00.000Z', type: 'demand', content_type: 'text/plain', parents: [ID] })
    })

    it('reads what another writer wrote: any offset, fields it does not know, null for absent, ids in capitals', () => {
      const read = codec.decode(
        wire.write({ ...whole, data_id: ID.toUpperCase(), created: '2017-01-01T02:00:00.5+02:00', type: null, extra: { deep: [1] } }),
      )
      expect(plain(read)).toEqual({ dataId: ID, source: 's', createdMs: 1_483_228_800_500, data: Buffer.from('hi').toString('hex') })
    })

    it('names every field that is missing', () => {
      expect(refusal(() => codec.decode(wire.write({}))).issues).toEqual(
        ['data_id', 'source', 'created', 'data'].map(path => ({ path, message: 'Required' })),
      )
    })

    it.each([
      ['data_id', 'not-a-uuid'],
      ['data_id', 7],
      ['source', ''],
      ['source', 5],
      ['source', 'é'.repeat(128)],
      ['created', '2017-01-01T00:00:00'],
      ['created', 'yesterday'],
      ['created', 1_483_228_800],
      ['data', 12],
      ['data', { a: 1 }],
      ['type', ['demand']],
      ['type', 'x'.repeat(256)],
      ['content_type', 'no-slash'],
      ['content_type', `text/${'x'.repeat(255)}`],
      ['content_type', 'text/plain\r\nX-Other: 1'],
      ['parents', ID],
      ['parents', [ID, 'x']],
    ])('refuses %s %j and says what it expected', (field, value) => {
      const issues = refusal(() => codec.decode(wire.write({ ...whole, [field]: value }))).issues
      expect(issues).toHaveLength(1)
      expect(issues?.[0]?.path).toBe(field)
      expect(issues?.[0]?.message).toMatch(/^Expected .+, received .+/)
    })

    it('refuses what is not its format at all', () => {
      for (const bytes of [Buffer.alloc(0), Buffer.from('{"a"'), Buffer.from([0xc1, 0xff, 0x00]), codec.encode(base).subarray(0, 20)])
        expect(refusal(() => codec.decode(bytes)).message).toMatch(/Expected/)
    })

    it('never raises anything but CODEC_INVALID, whatever the bytes', () => {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(300), fc.nat(255), (noise, at, byte) => {
          const damaged = Buffer.from(codec.encode({ ...base, parents: [ID], type: 'demand' }))
          damaged[at % damaged.length] = byte
          for (const bytes of [noise, damaged]) {
            try {
              codec.decode(bytes)
            } catch (error) {
              expect(isMillraceError(error, 'CODEC_INVALID')).toBe(true)
            }
          }
        }),
        { numRuns: 500 },
      )
    })

    it('takes data alone from a producer, and an id that is no UUID', () => {
      expect(codec.decodeSubmitted(wire.write({ data: wire.data }))).toEqual({ data: Buffer.from('hi') })
      expect(codec.decodeSubmitted(wire.write({ ...whole, data_id: 'order 7' }))).toMatchObject({ id: 'order 7', source: 's' })
      expect(refusal(() => codec.decodeSubmitted(wire.write({ source: 's' }))).issues).toEqual([{ path: 'data', message: 'Required' }])
    })

    it('takes an empty datum for a datum', () => {
      const empty = codec.name === 'json' ? '' : Buffer.alloc(0)
      expect(codec.decodeSubmitted(wire.write({ data: empty })).data).toHaveLength(0)
    })

    it('is found by its content type, parameters and case aside', () => {
      expect(codecFor(`${codec.contentType.toUpperCase()}; charset=utf-8`)).toBe(codec)
    })
  })
}

describe('JSON envelopes', () => {
  it.each(['a', 'aGk', 'aGk=\n', 'a-_=', 'aG=k', '====', 'a=b='])('refuse base64 that would be cut short or read otherwise: %j', data => {
    expect(refusal(() => submittedFromJson({ data })).issues?.[0]?.path).toBe('data')
  })

  it('do not let __proto__ or an inherited name stand for a field', () => {
    const evil = JSON.parse(`{"__proto__": {"data": "aGk=", "source": "evil"}}`)
    expect(refusal(() => submittedFromJson(evil)).issues).toEqual([{ path: 'data', message: 'Required' }])
    expect(Object.hasOwn(Object.prototype, 'source')).toBe(false)
  })

  it('refuse text with a lone surrogate, which has no UTF-8', () => {
    expect(refusal(() => submittedFromJson({ data: '', source: '\ud800' })).issues?.[0]?.path).toBe('source')
  })

  it.each([[null], [[]], ['text'], [7]])('refuse %j, which has no fields', value => {
    expect(refusal(() => submittedFromJson(value)).message).toContain('Expected an envelope with named fields')
  })
})

describe('binary envelopes', () => {
  it('take ids as 16 bytes and created as the format’s own time', () => {
    const id = Buffer.from(ID.replaceAll('-', ''), 'hex')
    const fields = { source: 's', created: new Date(1_483_228_800_000), data: Buffer.from('hi') }
    const expected = { dataId: ID, source: 's', createdMs: 1_483_228_800_000, parents: [ID] }
    expect(codecFor('application/vnd.millrace.envelope+msgpack')!.decode(pack({ ...fields, data_id: id, parents: [id] }))).toMatchObject(
      expected,
    )
    const bson = serialize({ ...fields, data_id: new UUID(ID), parents: [id] })
    expect(codecFor('application/vnd.millrace.envelope+bson')!.decode(bson)).toMatchObject(expected)
  })
})

it('no other content type is an envelope’s', () => {
  for (const type of ['', 'application/json', 'application/vnd.millrace.envelope', 'application/cloudevents+json'])
    expect(codecFor(type)).toBeUndefined()
})
