import fc from 'fast-check'
import { Packr, pack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { unpack } from '../../src/envelope/msgpack.ts'

describe('MessagePack as producers send it', () => {
  it('reads whatever a standard packer writes', () => {
    const value = fc.letrec(tie => ({
      any: fc.oneof(
        { depthSize: 'small', withCrossShrink: true },
        fc.string(),
        // It writes -0 as the integer 0.
        fc.double({ noNaN: true }).filter(number => !Object.is(number, -0)),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        fc.uint8Array({ maxLength: 70_000 }).map(bytes => Buffer.from(bytes)),
        fc.array(tie('any'), { maxLength: 20 }),
        fc.dictionary(
          fc.string().filter(key => key !== '__proto__'),
          tie('any'),
        ),
      ),
    })).any
    fc.assert(
      fc.property(value, given => {
        expect(unpack(pack(given))).toEqual(given)
      }),
    )
  })

  it('reads every form of length, timestamps, undefined, and integers of 64 bits', () => {
    const at = new Date('2017-01-01T00:00:00.123Z')
    const value = {
      at,
      nothing: undefined,
      big: 2n ** 62n,
      text: 'x'.repeat(300),
      long: 'y'.repeat(70_000),
      list: new Array(70_000).fill(0xc1),
    }
    expect(unpack(pack(value))).toEqual(value)
    // ext 8 and ext 32 that hold a timestamp of 12 bytes.
    const stamp = [0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]
    for (const head of [
      [0xc7, 12],
      [0xc8, 0, 12],
      [0xc9, 0, 0, 0, 12],
    ])
      expect(unpack(Buffer.from([...head, ...stamp]))).toEqual(new Date(1_000))
  })

  it('refuses the byte that stands for nothing, wherever a value should be', () => {
    for (const bytes of [[0xc1], [0x92, 0x01, 0xc1], [0x81, 0xa1, 0x61, 0xc1], [0x81, 0xc1, 0x01]])
      expect(() => unpack(Buffer.from(bytes)), String(bytes)).toThrow('0xc1')
  })

  it.each([
    ['a record, whose reader is a function made of its fields', new Packr({ useRecords: true }).pack([{ a: 1 }, { a: 2 }])],
    ['a regular expression', Buffer.from([0xd4, 0x78, 0, 0x92, 0xa4, ...Buffer.from('(a+)+$'.slice(0, 4)), 0xa0])],
    ['an error', Buffer.from([0xd4, 0x65, 0, 0x92, 0xa5, ...Buffer.from('Error'), 0xa1, 0x78])],
    ['a set', Buffer.from([0xd4, 0x73, 0, 0x91, 0x01])],
    ['a typed array', Buffer.from([0xc7, 2, 0x74, 1, 7])],
    ['strings bundled', Buffer.from([0xd6, 0x62, 0, 0, 0, 9, 0xc1, 1, 0xa1, 0x61, 0xa0])],
  ])('refuses what the library alone would read: %s', (_what, bytes) => {
    expect(() => unpack(bytes)).toThrow('extension of type')
    expect(() => unpack(Buffer.concat([Buffer.from([0x91]), bytes]))).toThrow('extension of type')
  })

  it('refuses what is cut off at any byte', () => {
    const whole = pack({ at: new Date(1.5), list: ['x'.repeat(40), 'y'.repeat(300), Buffer.alloc(300), 1.5, 2n ** 60n, { b: -5 }] })
    for (let length = 0; length < whole.length; length++) expect(() => unpack(whole.subarray(0, length)), String(length)).toThrow()
  })
})
