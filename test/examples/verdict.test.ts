import { expect, it } from 'vitest'
import { type Said, verdict } from '../../examples/sentiment/verdict.ts'

const TRUTH = 'a good\nb bad\nc good\nd bad\n'
const said = (feedback: string, model: number, mood = 'good', customer = 'c-1'): Said => ({ feedback, customer, mood, model })
const all = [said('a', 1), said('b', 1), said('c', 2), said('d', 2, 'bad', 'c-2')]

it('tells how right each version was where each feedback has one mood', () => {
  expect(verdict(all, TRUTH)).toBe(
    '4 feedback, each with one mood: 2 by version 1, 50.0 % of them right; 2 by version 2, 100.0 % of them right',
  )
})

it('names what is missing, there twice, from nowhere, or goes back to the old version', () => {
  const wrong: [Said[], RegExp][] = [
    [all.slice(1), /1 feedback have no mood, such as a/],
    [[...all, said('a', 2)], /1 moods are there twice/],
    [[...all, said('e', 2)], /5 moods of 4 feedback/],
    [[all[0]!, all[2]!, all[1]!, all[3]!], /c-1 goes back to version 1 at b/],
  ]
  for (const [rows, message] of wrong) expect(() => verdict(rows, TRUTH)).toThrow(message)
})
