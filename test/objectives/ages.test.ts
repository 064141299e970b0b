import { expect, test } from 'vitest'
import { Ages, ageQuantile, together } from '../../src/objectives/ages.ts'
import type { Slo } from '../../src/objectives/slo.ts'

const NOW = Date.UTC(2026, 0, 1)
const slo: Slo = {
  id: 'a → b within 2s',
  name: 'a → b',
  from: 'a',
  to: { kind: 'topic', name: 'b' },
  within: '2s',
  withinMs: 2_000,
  share: 0.99,
}

function measure(...acceptedMs: number[]) {
  const ages = new Ages()
  for (const ms of acceptedMs) ages.note(ms)
  return ages.measure(slo, NOW)
}

test('what arrives in time is good, to the millisecond, and what a clock that is ahead has accepted is no older than nothing', () => {
  expect(measure(NOW - 2_000, NOW - 2_001, NOW + 300)).toMatchObject({ good: 2, late: 1, unmeasured: 0 })
})

test('an id that says nothing of its time is not counted: a random one lies centuries away', () => {
  expect(measure(NOW - 8 * 86_400_000, NOW + 3_600_000, 0, 2 ** 47, NOW)).toMatchObject({ good: 1, late: 0, unmeasured: 4 })
})

test('quantiles are within a bucket of the truth', () => {
  const fact = measure(...Array.from({ length: 1_000 }, (_, i) => NOW - i))
  expect(ageQuantile(fact.ages, 0.5)! / 500).toBeCloseTo(1, 0)
  expect(ageQuantile(fact.ages, 0.99)! / 990).toBeCloseTo(1, 0)
  expect(ageQuantile(fact.ages, 1)).toBe(1_000)
  expect(ageQuantile([], 0.5)).toBeUndefined()
})

test('facts of several units of work add up', () => {
  const both = together(measure(NOW - 1), measure(NOW - 5_000, 0))
  expect(both).toMatchObject({ slo: slo.id, good: 1, late: 1, unmeasured: 1 })
  expect(both.ages.reduce((sum, count) => sum + count)).toBe(2)
})
