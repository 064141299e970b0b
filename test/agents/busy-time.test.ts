import { expect, test } from 'vitest'
import { BusyTime } from '../../src/agents/busy-time.ts'

test('what goes on side by side counts once', () => {
  const busy = new BusyTime()
  busy.begin(0)
  busy.begin(100)
  busy.end(400)
  busy.end(1_000)
  busy.begin(5_000)
  busy.end(5_010)
  expect(busy.takeMs(6_000)).toBe(1_010)
  expect(busy.takeMs(7_000)).toBe(0)
})

test('what still goes on counts up to now, and no part of it twice', () => {
  const busy = new BusyTime()
  busy.begin(0)
  expect(busy.takeMs(300)).toBe(300)
  busy.end(1_000)
  expect(busy.takeMs(2_000)).toBe(700)
})

test('the whole is busy while any of its parts is, and never for longer than the time that passes', () => {
  const thread = new BusyTime()
  const [one, other] = [new BusyTime(thread), new BusyTime(thread)]
  one.begin(0)
  other.begin(500)
  one.end(1_000)
  other.end(1_500)
  expect([one.takeMs(2_000), other.takeMs(2_000), thread.takeMs(2_000)]).toEqual([1_000, 1_000, 1_500])
})
