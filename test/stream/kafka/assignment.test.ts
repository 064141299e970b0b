import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { shareOut } from '../../../src/stream/adapters/kafka/group/assignment.ts'

const topics = fc.dictionary(fc.constantFrom('a', 'b', 'c'), fc.integer({ min: 1, max: 12 }), { minKeys: 1 })

describe('sharing partitions out', () => {
  it('gives each partition to one member that asks for its topic', () => {
    const members = fc.array(fc.subarray(['a', 'b', 'c'], { minLength: 1 }), { minLength: 1, maxLength: 6 })
    fc.assert(
      fc.property(topics, members, (counts, asked) => {
        const claimants = asked.map((own, i) => ({ memberId: `m${i}`, topics: new Set(own) }))
        const given = new Map<string, number>()
        for (const [memberId, shares] of shareOut(new Map(Object.entries(counts)), claimants)) {
          for (const { topic, partitions } of shares) {
            expect(claimants.find(one => one.memberId === memberId)?.topics.has(topic)).toBe(true)
            for (const partition of partitions) given.set(`${topic}/${partition}`, (given.get(`${topic}/${partition}`) ?? 0) + 1)
          }
        }
        const wanted = Object.entries(counts).filter(([topic]) => asked.some(own => own.includes(topic)))
        expect([...given.values()].every(times => times === 1)).toBe(true)
        expect(given.size).toBe(wanted.reduce((sum, [, count]) => sum + count, 0))
      }),
    )
  })

  it('gives everyone as many as the others, give or take one, and equal partitions of equal topics to one member', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 1, max: 6 }), (count, members) => {
        const claimants = Array.from({ length: members }, (_, i) => ({ memberId: `m${i}`, topics: new Set(['a', 'b']) }))
        const shares = [...shareOut(new Map([['a', count]]), claimants).values()].map(own => own.flatMap(share => share.partitions).length)
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1)
        const both = shareOut(
          new Map([
            ['a', members],
            ['b', members],
          ]),
          claimants,
        )
        for (const own of both.values())
          expect(own.find(share => share.topic === 'a')?.partitions).toEqual(own.find(share => share.topic === 'b')?.partitions)
      }),
    )
  })
})
