import { describe, expect, test } from 'vitest'
import { readingOf } from '../../../src/console/live/reading.ts'
import type { LedgerRow } from '../../../src/instrumentation/ledger.ts'
import type { TopicSample } from '../../../src/instrumentation/sampler.ts'

const HOUR_MS = 3_600_000

const row = (partition: number, behind: number, lagMs: number, expired = 0) => ({ partition, behind, lagMs, expired }) as LedgerRow
const topic = (more: Partial<TopicSample> = {}, size?: number): TopicSample => ({
  spec: { name: 'demand', partitions: 2, retentionMs: HOUR_MS, ...(size === undefined ? {} : { retentionBytes: size }) },
  bounds: [
    { first: 0, next: 100 },
    { first: 0, next: 100 },
  ],
  appended: 200,
  perSecond: 0,
  partitionsPerSecond: [0, 0],
  ...more,
})

describe('a reading', () => {
  test('adds up what waits, and is as late as its latest partition', () => {
    expect(readingOf([row(0, 10, 2_000), row(1, 30, 5_000)], topic(), 12.345_67)).toMatchObject({
      lag: 40,
      lag_seconds: 5,
      per_second: 12.35,
    })
  })

  test.each([
    ['nothing waits', [row(0, 0, 0)], topic({ bytes: 1_000 }, 1_000), 0],
    ['the oldest has a quarter of its time behind it', [row(0, 1, HOUR_MS / 4), row(1, 0, 0)], topic(), 0.25],
    ['half of a log that is full to a half waits', [row(0, 50, 1_000)], topic({ bytes: 500 }, 1_000), 0.25],
    ['all of a full log waits', [row(0, 5, 1_000), row(1, 100, 1_000)], topic({ bytes: 1_000 }, 1_000), 1],
    ['the stream does not tell its size, and age alone counts', [row(0, 100, HOUR_MS / 2)], topic({}, 1_000), 0.5],
    ['something that waits has expired', [row(0, 100, 1_000, 1)], topic(), 1],
    [
      'what is kept for ever does not expire',
      [row(0, 100, HOUR_MS)],
      topic({ spec: { name: 'demand', partitions: 2, retentionMs: Infinity } }),
      0,
    ],
    ['nobody has made the topic yet', [], undefined, 0],
  ])('is as full as its worst partition: %s', (_what, rows, sample, full) => {
    expect(readingOf(rows, sample, 0).full).toBe(full)
  })
})
