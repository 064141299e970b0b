import { describe, expect, test } from 'vitest'
import { Rate, Recent } from '../../src/instrumentation/rate.ts'

describe('a rate', () => {
  test('is what came in a second, whatever the second it is asked in', () => {
    const rate = new Rate()
    for (let ms = 100_000; ms < 130_000; ms += 100) rate.add(5, ms)
    for (const at of [129_950, 129_999]) expect(rate.perSecond(at)).toBeCloseTo(50, 0)
  })

  test('is not diluted by the time before the first event', () => {
    const rate = new Rate()
    for (let ms = 100_000; ms <= 102_000; ms += 100) rate.add(5, ms)
    expect(rate.perSecond(102_000)).toBeCloseTo(52.5, 5)
  })

  test('does not call one event in the first millisecond a thousand a second', () => {
    const rate = new Rate()
    rate.add(1, 100_000)
    expect(rate.perSecond(100_001)).toBe(1)
  })

  test('falls to 0 within 10 s of the last event', () => {
    const rate = new Rate()
    rate.add(1_000, 100_000)
    expect(rate.perSecond(109_999)).toBeGreaterThan(0)
    expect(rate.perSecond(110_000)).toBe(0)
    expect(rate.perSecond(1_000_000)).toBe(0)
  })

  test('forgets a bucket when its second comes round again', () => {
    const rate = new Rate()
    rate.add(1_000, 100_000)
    rate.add(1, 110_000)
    expect(rate.perSecond(110_000)).toBeCloseTo(1 / 9, 5)
  })
})

describe('recent values', () => {
  test('have no quantile before the first', () => {
    expect(new Recent().quantile(0.5)).toBeUndefined()
  })

  test('have quantiles by nearest rank', () => {
    const recent = new Recent()
    for (let value = 100; value >= 1; value--) recent.add(value)
    expect([recent.quantile(0), recent.quantile(0.5), recent.quantile(0.99), recent.quantile(1)]).toEqual([1, 50, 99, 100])
  })

  test('are the last 512', () => {
    const recent = new Recent()
    for (let i = 0; i < 100; i++) recent.add(1_000)
    for (let i = 0; i < Recent.MAX; i++) recent.add(1)
    expect(recent.quantile(1)).toBe(1)
  })
})
