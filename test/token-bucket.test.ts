import { expect, it } from 'vitest'
import { VirtualClock } from '../src/testing/virtual-clock.ts'
import { TokenBucket } from '../src/token-bucket.ts'

it('gives a burst at once and so many a second in the long run, and saves up no more than a burst', async () => {
  const clock = new VirtualClock()
  const bucket = new TokenBucket(10, clock, 25)
  expect(bucket.left).toBe(25)
  bucket.take(25)
  await clock.advance('500ms')
  expect(bucket.left).toBe(5)
  await clock.advance('1h')
  expect(bucket.left).toBe(25)
})

it('has what was taken beyond it paid back first', async () => {
  const clock = new VirtualClock()
  const bucket = new TokenBucket(10, clock)
  bucket.take(30)
  await clock.advance('1s')
  expect(bucket.left).toBe(-10)
  await clock.advance('1500ms')
  expect(bucket.left).toBe(5)
})

it('gives nothing and takes nothing where the clock is set back', () => {
  let nowMs = 10_000
  const bucket = new TokenBucket(10, { now: () => nowMs, sleep: () => Promise.resolve(), after: () => () => undefined })
  bucket.take(4)
  nowMs = 0
  expect(bucket.left).toBe(6)
  nowMs = 100
  expect(bucket.left).toBe(7)
})

it('has no more than a second of what it gives from now on', () => {
  const bucket = new TokenBucket(10, new VirtualClock())
  bucket.perSecond = 4
  expect(bucket.left).toBe(4)
})
