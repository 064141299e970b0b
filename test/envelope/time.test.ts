import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { parseTime } from '../../src/envelope/time.ts'

describe('RFC 3339 times', () => {
  it('every instant comes back from its ISO text', () => {
    fc.assert(
      fc.property(fc.integer({ min: -62_167_219_200_000, max: 253_402_300_799_999 }), ms => {
        expect(parseTime(new Date(ms).toISOString())).toBe(ms)
      }),
    )
  })

  it('every offset means the same instant', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4e12 }), fc.integer({ min: -1439, max: 1439 }), (ms, minutes) => {
        const local = new Date(ms + minutes * 60_000).toISOString().slice(0, -1)
        const two = (n: number) => String(n).padStart(2, '0')
        const offset = `${minutes < 0 ? '-' : '+'}${two(Math.floor(Math.abs(minutes) / 60))}:${two(Math.abs(minutes) % 60)}`
        expect(parseTime(local + offset)).toBe(ms)
      }),
    )
  })

  it.each([
    ['2017-01-01T00:00:00Z', 1_483_228_800_000],
    ['2017-01-01t00:00:00z', 1_483_228_800_000],
    ['2017-01-01 00:00:00Z', 1_483_228_800_000],
    ['2017-01-01T00:00:00.123456789Z', 1_483_228_800_123],
    ['2017-01-01T00:00:00.9999Z', 1_483_228_800_999],
    ['2016-12-31T23:59:60Z', 1_483_228_800_000],
    ['2016-02-29T00:00:00Z', 1_456_704_000_000],
    ['0001-01-01T00:00:00Z', -62_135_596_800_000],
  ])('%s is %i', (text, ms) => {
    expect(parseTime(text)).toBe(ms)
  })

  it.each([
    '',
    '2017-01-01',
    '2017-01-01T00:00:00',
    '2017-13-01T00:00:00Z',
    '2017-02-29T00:00:00Z',
    '1900-02-29T00:00:00Z',
    '2017-04-31T00:00:00Z',
    '2017-01-00T00:00:00Z',
    '2017-01-01T24:00:00Z',
    '2017-01-01T00:60:00Z',
    '2017-01-01T00:00:61Z',
    '2017-01-01T00:00:00+24:00',
    '2017-01-01T00:00:00+0200',
    '2017-01-01T00:00:00.Z',
    '+002017-01-01T00:00:00Z',
    '1483228800',
    'Sun, 01 Jan 2017 00:00:00 GMT',
  ])('%j is not one', text => {
    expect(parseTime(text)).toBeUndefined()
  })
})
