import { expect, test } from 'vitest'
import { Progress } from '../../src/agents/progress.ts'

test('another thread sees what is in hand, and the one on the stack first', () => {
  const writer = new Progress()
  writer.reset()
  const reader = new Progress(writer.shared)
  expect(reader.inHand()).toEqual([])
  writer.wait(writer.begin(0, 3, 17, 1, 1_000))
  writer.begin(1, 0, 2 ** 40, 2, 2_000)
  expect(reader.inHand()).toEqual([
    { topic: 1, partition: 0, offset: 2 ** 40, end: 2 ** 40 + 1, attempt: 2, startedMs: 2_000, current: true },
    { topic: 0, partition: 3, offset: 17, end: 18, attempt: 1, startedMs: 1_000, current: false },
  ])
})

test('what has ended is no longer in hand, whichever ended first', () => {
  const progress = new Progress()
  progress.reset()
  const first = progress.begin(0, 0, 1, 1, 1)
  progress.wait(first)
  const second = progress.begin(0, 0, 2, 1, 2)
  progress.end(first)
  expect(progress.inHand()).toMatchObject([{ offset: 2, current: true }])
  progress.end(second)
  expect(progress.inHand()).toEqual([])
})

test('more attempts than it has room for are not seen, and do no harm', () => {
  const progress = new Progress()
  progress.reset()
  const rows = Array.from({ length: 100 }, (_, offset) => progress.wait(progress.begin(0, 0, offset, 1, 1)))
  expect(progress.inHand()).toHaveLength(63)
  for (const row of rows) progress.end(row)
  expect(progress.inHand()).toEqual([])
  progress.begin(0, 0, 5, 1, 1)
  expect(progress.inHand()).toHaveLength(1)
})

test('the handler on the stack is always seen, however many wait', () => {
  const progress = new Progress()
  progress.reset()
  for (let offset = 0; offset < 100; offset++) progress.wait(progress.begin(0, 0, offset, 1, 1))
  const returns = progress.begin(0, 0, 100, 1, 2)
  expect(progress.inHand()[0]).toMatchObject({ offset: 100, current: true })
  progress.end(returns)
  progress.wait(progress.begin(0, 0, 101, 1, 2))
  expect(progress.inHand().every(held => held.offset < 100 && !held.current)).toBe(true)
  progress.begin(0, 0, 102, 1, 3)
  expect(progress.inHand()[0]).toMatchObject({ offset: 102, current: true })
})

test('what waits to be tried again is told apart, is nobody’s to blame, and leaves room for attempts', () => {
  const progress = new Progress()
  progress.reset()
  const first = progress.fail(0, 1, 7, 2, 5_000)
  expect(progress.failing()).toEqual([{ topic: 0, partition: 1, offset: 7, attempts: 2, sinceMs: 5_000 }])
  expect(progress.inHand()).toEqual([])
  progress.end(first)
  expect(progress.failing()).toEqual([])
  const rows = Array.from({ length: 100 }, (_, offset) => progress.fail(0, 0, offset, 1, 1))
  for (let offset = 0; offset < 20; offset++) progress.wait(progress.begin(0, 0, offset, 1, 1))
  expect(progress.inHand()).toHaveLength(20)
  for (const row of rows) progress.end(row)
  expect(progress.failing()).toEqual([])
})

test('a runner that starts clears what the one before it left', () => {
  const before = new Progress()
  before.reset()
  before.begin(0, 0, 1, 1, 1)
  const after = new Progress(before.shared)
  after.reset()
  expect(after.inHand()).toEqual([])
})
