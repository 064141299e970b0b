import { expect, it } from 'vitest'
import { InHand } from '../../../src/agents/remote/in-hand.ts'
import type { Job } from '../../../src/agents/remote.ts'

const jobOf = (datum: number, aborted = false) => ({ datum, aborted }) as Job
const dataOf = (jobs: readonly (Job | undefined)[]) => jobs.map(job => job?.datum)

it('gives each job a number that none had before, and takes an answer for none but that', () => {
  const inHand = new InHand(3)
  const given = new Map<number, number>()
  for (let datum = 0; datum < 100; datum++) {
    const n = inHand.put(jobOf(datum))
    expect(n).toBeGreaterThanOrEqual(0)
    expect(given.has(n)).toBe(false)
    given.set(n, datum)
    // The last but one is answered: places are free in another order than they were filled in.
    const [before] = [...given].filter(([, other]) => other === datum - 1)
    if (before !== undefined) expect(inHand.take(before[0])?.datum).toBe(datum - 1)
    for (const answered of given.keys()) if (given.get(answered)! < datum) expect(inHand.take(answered)).toBeUndefined()
  }
  expect(inHand.size).toBe(1)
  for (const wrong of [-1, 0.5, Number.NaN, 1e9, Number.POSITIVE_INFINITY]) expect(inHand.take(wrong)).toBeUndefined()
})

it('tells what is left in the order in which it was given, and has nothing then', () => {
  const inHand = new InHand(4)
  const numbers = [0, 1, 2, 3].map(datum => inHand.put(jobOf(datum)))
  for (const place of [2, 0]) inHand.take(numbers[place]!)
  for (const datum of [4, 5]) inHand.put(jobOf(datum, datum === 5))
  expect(inHand.aborted()).toHaveLength(1)
  expect(dataOf(inHand.takeAll())).toEqual([1, 3, 4, 5])
  expect([inHand.size, inHand.takeAll()]).toEqual([0, []])
})
