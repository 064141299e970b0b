import { expect, it } from 'vitest'
import { Timestamp } from '../../src/envelope/timestamp.ts'

it('is what a Date says, one after the other', () => {
  const timestamp = new Timestamp()
  const base = Date.UTC(2026, 0, 31, 23, 59, 59, 990)
  const times = [base, base + 9, base + 10, base + 11, base + 1_009, base, 0, -1, -1_000, -1_001, 0.5, -0.5, 1e12 + 0.9, 8.64e15, -8.64e15]
  expect(times.map(ms => timestamp.of(ms))).toEqual(times.map(ms => new Date(ms).toISOString()))
  expect(() => timestamp.of(Number.NaN)).toThrow(RangeError)
  expect(() => timestamp.of(8.64e15 + 1_000)).toThrow(RangeError)
  expect(timestamp.of(base)).toBe(new Date(base).toISOString())
})
