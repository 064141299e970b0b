import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatId, parseId } from '../../src/envelope/data-id.ts'
import { FRAME_HEADER_BYTES, FrameCursor, type FrameParts, FrameWriter } from '../../src/envelope/frame.ts'
import { isMillraceError } from '../../src/errors.ts'
import { createdMs, payload, shortText, tenMegabytes, uuid } from './arbitraries.ts'

interface Datum {
  readonly id: string
  readonly supplied: boolean
  readonly source: string
  readonly createdMs: number
  readonly contentType: string
  readonly type: string
  readonly key: string
  readonly parents: readonly string[]
  readonly data: Uint8Array | string
}

const datum: fc.Arbitrary<Datum> = fc.record({
  id: uuid,
  supplied: fc.boolean(),
  source: shortText,
  createdMs,
  contentType: fc.constantFrom('application/json', 'image/png', 'text/plain; charset=utf-8'),
  type: fc.oneof(fc.constant(''), shortText),
  key: fc.oneof(fc.constant(''), fc.string({ unit: 'grapheme', maxLength: 200 }), fc.string({ maxLength: 40 })),
  parents: fc.array(uuid, { maxLength: 5 }),
  data: fc.oneof(payload, fc.string({ maxLength: 200 }), fc.string({ unit: 'grapheme', maxLength: 200 })),
})

function parts(d: Datum): FrameParts {
  return { ...d, id: parseId(d.id), idAt: 0, source: Buffer.from(d.source), parents: Buffer.concat(d.parents.map(parseId)) }
}

function written(...data: Datum[]) {
  // Small at first, so that it has to grow.
  const writer = new FrameWriter(16)
  for (const d of data) writer.add(parts(d))
  return writer.take()
}

const bytesOf = (data: Uint8Array | string) => Buffer.from(typeof data === 'string' ? Buffer.from(data, 'utf8') : data)
const some: Datum = {
  id: '01941f29-7c00-7a5e-8c3b-0123456789ab',
  supplied: false,
  source: 's',
  createdMs: 0,
  contentType: 'application/json',
  type: '',
  key: '',
  parents: [],
  data: '{}',
}

describe('frames', () => {
  it('give back every datum as it was written', () => {
    fc.assert(
      fc.property(fc.array(datum, { maxLength: 20 }), data => {
        const taken = written(...data)
        expect(taken.count).toBe(data.length)
        expect(taken.ascii).toBe(data.every(d => bytesOf(d.data).every(byte => byte < 128)))
        const cursor = new FrameCursor(taken.frames, taken.ascii)
        for (const [index, d] of data.entries()) {
          expect(cursor.next()).toBe(true)
          expect(cursor.index).toBe(index)
          expect(cursor.dataId).toBe(d.id)
          expect(formatId(cursor.bytes, cursor.idAt)).toBe(d.id)
          expect(cursor.supplied).toBe(d.supplied)
          expect(cursor.source).toBe(d.source)
          expect(cursor.createdMs).toBe(d.createdMs)
          expect(cursor.contentType).toBe(d.contentType)
          expect(cursor.isJson).toBe(d.contentType === 'application/json')
          expect(cursor.type).toBe(d.type)
          expect(cursor.key).toBe(Buffer.from(d.key, 'utf8').toString('utf8'))
          expect(cursor.parentCount).toBe(d.parents.length)
          expect(Buffer.compare(cursor.parents, Buffer.concat(d.parents.map(parseId)))).toBe(0)
          expect(Buffer.compare(cursor.data, bytesOf(d.data))).toBe(0)
          expect(cursor.dataText).toBe(bytesOf(d.data).toString('utf8'))
          expect(cursor.envelope('here')).toMatchObject({ dataId: d.id, source: d.source, type: d.type || 'here' })
          expect(cursor.envelope('here').parents ?? []).toEqual(d.parents)
        }
        expect(cursor.next()).toBe(false)
      }),
    )
  })

  it('stand alone: each is a batch of one, wherever it lies', () => {
    fc.assert(
      fc.property(fc.array(datum, { minLength: 1, maxLength: 5 }), data => {
        const cursor = new FrameCursor(written(...data).frames)
        while (cursor.next()) {
          const alone = new FrameCursor(cursor.frame)
          expect(alone.next()).toBe(true)
          expect(Buffer.compare(alone.data, cursor.data)).toBe(0)
          expect(alone.next()).toBe(false)
        }
      }),
    )
  })

  it('carry 10 MB', () => {
    const data = tenMegabytes()
    const cursor = new FrameCursor(written(some, { ...some, data }, some).frames)
    cursor.next()
    cursor.next()
    expect(Buffer.compare(cursor.data, data)).toBe(0)
    expect([cursor.next(), cursor.next()]).toEqual([true, false])
  })

  it('are the taker’s own: later ones do not touch them, and the buffer can be transferred', () => {
    const writer = new FrameWriter()
    writer.add(parts({ ...some, data: 'first' }))
    const { frames } = writer.take()
    writer.add(parts({ ...some, data: 'other' }))
    const cursor = new FrameCursor(frames)
    cursor.next()
    expect(cursor.dataText).toBe('first')
    expect(frames.buffer.byteLength).toBe(frames.length)
    expect([writer.count, writer.take().count, writer.byteLength]).toEqual([1, 1, 0])
  })

  it.each([
    ['a source', { source: 'x'.repeat(256) }],
    ['a type', { type: 'é'.repeat(128) }],
    ['a content type', { contentType: `text/${'x'.repeat(251)}` }],
    ['a key', { key: 'é'.repeat(32_768) }],
  ])('refuse %s that their header cannot count, and what was added before is whole', (_what, field) => {
    const writer = new FrameWriter()
    writer.add(parts({ ...some, data: 'before' }))
    expect(() => writer.add(parts({ ...some, ...field }))).toThrow(RangeError)
    writer.add(parts({ ...some, data: 'after' }))
    const { frames, count, ascii } = writer.take()
    const cursor = new FrameCursor(frames, ascii)
    expect(count).toBe(2)
    expect([cursor.next(), cursor.dataText, cursor.next(), cursor.dataText, cursor.next()]).toEqual([true, 'before', true, 'after', false])
  })
})

describe('damaged frames', () => {
  /** Walks to the end; every field is read, so that one which reached out of range would show. */
  function walk(frames: Uint8Array): number {
    const cursor = new FrameCursor(frames)
    let count = 0
    while (cursor.next()) {
      expect(cursor.end).toBeGreaterThan(cursor.start)
      expect(cursor.end).toBeLessThanOrEqual(frames.length)
      const envelope = cursor.envelope('t')
      expect(envelope.data.length + cursor.key.length + cursor.type.length + cursor.contentType.length).toBeLessThanOrEqual(
        frames.length + 'application/json'.length,
      )
      count++
    }
    return count
  }

  it('are FRAME_CORRUPT or read within their bounds, and the walk always ends', () => {
    fc.assert(
      fc.property(fc.array(datum, { minLength: 1, maxLength: 4 }), fc.nat(), fc.nat(255), fc.nat(), (data, at, byte, cut) => {
        const { frames } = written(...data)
        const flipped = Uint8Array.from(frames)
        flipped[at % flipped.length] = byte
        for (const damaged of [flipped, frames.subarray(0, cut % frames.length)]) {
          try {
            walk(damaged)
          } catch (error) {
            expect(isMillraceError(error, 'FRAME_CORRUPT'), String(error)).toBe(true)
          }
        }
      }),
      { numRuns: 500 },
    )
  })

  it('are FRAME_CORRUPT where a length is 0, too short for its header, or beyond the end', () => {
    const { frames } = written(some)
    for (const length of [0, 1, FRAME_HEADER_BYTES - 1, frames.length - 3, frames.length + 1, 0xffff_ffff]) {
      const damaged = Buffer.from(frames)
      damaged.writeUInt32LE(length, 0)
      expect(() => walk(damaged), `length ${length}`).toThrow(/does not end where it says/)
    }
  })

  it('are FRAME_CORRUPT where the batch ends inside a header', () => {
    for (let cut = 1; cut < FRAME_HEADER_BYTES; cut++) expect(() => walk(written(some).frames.subarray(0, cut))).toThrow(/byte 0 of/)
  })

  it('noise ends too', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), noise => {
        try {
          walk(noise)
        } catch (error) {
          expect(isMillraceError(error, 'FRAME_CORRUPT'), String(error)).toBe(true)
        }
      }),
    )
  })
})
