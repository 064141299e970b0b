import fc from 'fast-check'
import { expect, test } from 'vitest'
import { assign, type Claimant, type Shareable } from '../../../src/engine/embedded/assignment.ts'

function partitionsOf(counts: Record<string, number>): Shareable[] {
  let place = 0
  return Object.entries(counts).flatMap(([topic, partitions]) =>
    Array.from({ length: partitions }, (_, partition) => ({ place: ++place, topic, partition, partitions })),
  )
}

function members(count: number, topics: readonly string[]): Claimant[] {
  return Array.from({ length: count }, (_, member) => ({ member, topics: new Set(topics) }))
}

test('every partition goes to exactly one member that asks for its topic, and no member has two more than another', () => {
  const counts = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 12 }), { minKeys: 1 })
  fc.assert(
    fc.property(counts, fc.integer({ min: 1, max: 9 }), (topics, count) => {
      const partitions = partitionsOf(topics)
      const shares = [...assign(partitions, members(count, Object.keys(topics))).values()]
      expect(shares.flat().sort((a, b) => a - b)).toEqual(partitions.map(p => p.place))
      const sizes = shares.map(share => share.length)
      expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1)
    }),
  )
})

test('the same partition of topics with as many partitions goes to the same member', () => {
  const shares = assign(partitionsOf({ demand: 4, weather: 4 }), members(2, ['demand', 'weather']))
  expect([...shares.values()]).toEqual([
    [1, 5, 2, 6],
    [3, 7, 4, 8],
  ])
})

test('a topic goes only to members that ask for it', () => {
  const shares = assign(partitionsOf({ old: 2, both: 2 }), [
    { member: 0, topics: new Set(['old', 'both']) },
    { member: 1, topics: new Set(['both']) },
  ])
  expect(shares.get(0)).toEqual([1, 2, 3])
  expect(shares.get(1)).toEqual([4])
})
