import { describe, expect, it } from 'vitest'
import { byteSize, durationMs } from '../src/duration.ts'

describe('durations', () => {
  it.each([
    [250, 250],
    ['250ms', 250],
    ['1.5s', 1_500],
    ['1m', 60_000],
    [' 24 h ', 86_400_000],
    ['7d', 604_800_000],
    ['0s', 0],
    ['0', 0],
  ])('%j is %i ms', (value, ms) => {
    expect(durationMs(value, 'timeout')).toBe(ms)
  })

  it.each(['', '30', 'soon', '-1s', '1w', '5 minutes', '1e3s', '1constructor', Number.NaN, Number.POSITIVE_INFINITY, -1])(
    '%j is none, and the error names the setting',
    value => {
      expect(() => durationMs(value, "agent('a') timeout")).toThrow(/^agent\('a'\) timeout is .+; it must be a duration such as/)
    },
  )
})

describe('sizes', () => {
  it.each([
    [10, 10],
    ['10', 10],
    ['10B', 10],
    ['64kB', 64_000],
    ['10MB', 10_000_000],
    ['2GB', 2_000_000_000],
    ['1.5TB', 1_500_000_000_000],
  ])('%j is %i bytes', (value, bytes) => {
    expect(byteSize(value, 'retention size')).toBe(bytes)
  })

  it.each(['10mb', '1KiB', '-1B', 'x'])('%j is none', value => {
    expect(() => byteSize(value, 'retention size')).toThrow(/^retention size is .+; it must be a size such as/)
  })
})
