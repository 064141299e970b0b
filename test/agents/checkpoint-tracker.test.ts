import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CheckpointTracker, type Outcome } from '../../src/agents/checkpoint-tracker.ts'

const start = { offset: 10, first: 4, done: 3, dead: 1, duplicate: 1, lost: 1, edition: 1 }

test('the offset moves only over what is finished', () => {
  const tracker = new CheckpointTracker(start, 2)
  tracker.finish(11, 'done')
  tracker.finish(12, 'dead')
  expect(tracker.checkpoint).toEqual({ ...start, edition: 2 })
  tracker.finish(10, 'duplicate')
  expect(tracker.checkpoint).toEqual({ offset: 13, first: 4, done: 4, dead: 2, duplicate: 2, lost: 1, edition: 2 })
})

test('what has expired counts as lost once everything before it is finished', () => {
  const tracker = new CheckpointTracker(start, 1)
  tracker.expire(11, 20)
  tracker.finish(20, 'done')
  expect(tracker.offset).toBe(10)
  tracker.finish(10, 'done')
  expect(tracker.checkpoint).toMatchObject({ offset: 21, done: 5, lost: 10 })
})

test('in any order of finishing the ledger balances at every step and all is counted in the end', () => {
  const outcomes = fc.array(fc.constantFrom<Outcome>('done', 'dead', 'duplicate'), { minLength: 1, maxLength: 60 })
  fc.assert(
    fc.property(outcomes, fc.infiniteStream(fc.nat()), (expected, order) => {
      const tracker = new CheckpointTracker({ offset: 0, first: 0, done: 0, dead: 0, duplicate: 0, lost: 0, edition: 1 }, 1)
      const left = expected.map((outcome, offset) => ({ outcome, offset }))
      while (left.length > 0) {
        const [next] = left.splice(order.next().value % left.length, 1)
        tracker.finish(next!.offset, next!.outcome)
        const { offset, done, dead, duplicate } = tracker.checkpoint
        expect(offset).toBe(done + dead + duplicate)
        expect(offset).toBe(Math.min(expected.length, ...left.map(datum => datum.offset)))
      }
    }),
  )
})
