import { expect, it } from 'vitest'
import { Finder } from '../../../src/engine/distributed/finder.ts'
import { mint } from '../../../src/envelope/data-id.ts'

/** Topics of a billion data each, appended over years: every question is answered, and nothing is found. */
function vast(partitions: number, answered: () => void) {
  const place = { topic: 'demand', partition: 0, frames: new Uint8Array(0), ascii: true }
  return {
    topics: async () => [{ name: 'demand', partitions, retentionMs: 1 }],
    bounds: async () => Array.from({ length: partitions }, () => ({ first: 0, next: 1_000_000_000 })),
    appendedMs: async () => {
      answered()
      return 0
    },
    read: async (_topic: string, _partition: number, from: number) => {
      answered()
      return { ...place, first: from, count: 1, appendedMs: 0 }
    },
  }
}

it('a search asks the stream a bounded number of questions, however many partitions there are', async () => {
  let questions = 0
  const stream = vast(10_000, () => questions++)
  const finder = new Finder(stream, { find: async () => undefined }, { now: () => 0 })
  expect(await finder.find(mint(1_800_000_000_000))).toBeUndefined()
  expect([questions > 100, questions <= 2_000]).toEqual([true, true])
})

it('a search ends when its time is over', async () => {
  let nowMs = 0
  let questions = 0
  const stream = vast(10, () => {
    questions++
    nowMs += 1_000
  })
  const finder = new Finder(stream, { find: async () => undefined }, { now: () => nowMs })
  expect(await finder.find(mint(1_800_000_000_000))).toBeUndefined()
  expect(questions).toBe(10)
})
