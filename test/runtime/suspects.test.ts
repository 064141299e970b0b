import { expect, it } from 'vitest'
import type { InHand } from '../../src/agents/progress.ts'
import { Suspects } from '../../src/runtime/suspects.ts'

const reason = { name: 'Error', message: 'out of memory' }
const held = (offset: number, attempt: number, current = false): InHand => ({
  topic: 0,
  partition: 2,
  offset,
  end: offset + 1,
  attempt,
  startedMs: 0,
  current,
})

it('blames the datum whose handler was on the stack, and no other', () => {
  const suspects = new Suspects(['demand'])
  suspects.blame([held(7, 3, true), held(8, 1)], reason)
  expect(suspects.list()).toEqual([{ topic: 'demand', partition: 2, offset: 7, attempts: 3, reason }])
})

it('blames all that were in hand where nothing was on the stack', () => {
  const suspects = new Suspects(['demand'])
  suspects.blame([held(7, 1), held(8, 1)], reason)
  expect(suspects.list().map(suspect => suspect.offset)).toEqual([7, 8])
})

it('counts on: a datum blamed again has the later number of attempts', () => {
  const suspects = new Suspects(['demand'])
  suspects.blame([held(7, 1, true)], reason)
  suspects.blame([held(7, 2, true)], reason)
  expect(suspects.list().map(suspect => suspect.attempts)).toEqual([2])
})

it('counts an attempt of a replica that had not heard of the others’, and tells all of them', () => {
  const suspects = new Suspects(['demand'])
  let told = 0
  const unfollow = suspects.follow(() => told++)
  suspects.blame([held(7, 1, true)], reason)
  suspects.blame([held(7, 1, true)], reason)
  expect(suspects.list().map(suspect => suspect.attempts)).toEqual([2])
  expect(told).toBe(2)
  unfollow()
  suspects.blame([held(7, 3, true)], reason)
  expect(told).toBe(2)
})

it('remembers a thousand at most, the latest', () => {
  const suspects = new Suspects(['demand'])
  for (let offset = 0; offset < 1_200; offset++) suspects.blame([held(offset, 1, true)], reason)
  expect(suspects.list()).toHaveLength(1_000)
  expect(suspects.list()[0]!.offset).toBe(200)
})

it('blames no datum of a batch, but has each of them run by itself next', () => {
  const suspects = new Suspects(['demand'])
  suspects.blame([{ ...held(7, 1, true), end: 10 }], reason)
  expect(suspects.list()).toEqual([7, 8, 9].map(offset => ({ topic: 'demand', partition: 2, offset, attempts: 0, reason })))
})
