import { expect, test } from 'vitest'
import { LastOutcomes } from '../../src/instrumentation/last-outcomes.ts'

test('looks back on whole units, the fewest that make up a hundred data', () => {
  const last = new LastOutcomes()
  last.add(60, 60, 0)
  last.add(90, 3, 1)
  expect(last.read(2)).toEqual({ data: 150, dead: 63 })
  last.add(10, 1, 2)
  expect(last.read(2)).toEqual({ data: 100, dead: 4 })
  last.add(0, 0, 3)
  last.add(5_000, 7, 3)
  expect(last.read(3)).toEqual({ data: 5_000, dead: 7 })
})

test('forgets what is ten minutes old', () => {
  const last = new LastOutcomes()
  last.add(5, 5, 0)
  last.add(1, 0, 300_000)
  expect(last.read(600_000)).toEqual({ data: 6, dead: 5 })
  expect(last.read(600_001)).toEqual({ data: 1, dead: 0 })
})
