import { expect, it } from 'vitest'
import type { DeadLetters, LetterFilter, StoredLetter } from '../../src/agents/dead-letter.ts'
import { deadLetters, groupLetters } from '../../src/agents/letter-groups.ts'

function letter(number: number, message: string): StoredLetter {
  return {
    ...{ letter: number, state: 'dead', agent: { name: 'forecast', version: 2 }, topic: 'demand', partition: 0, offset: number },
    dataId: '0198c4a0-1111-7222-8333-444455556666',
    error: { name: 'Error', message },
    ...{ attempts: 5, atMs: 1_000 + number, replays: 0 },
  }
}

/** A list as the engines keep it; `asked` says what it was asked. */
function listOf(all: readonly StoredLetter[]): Pick<DeadLetters, 'list'> & { readonly asked: LetterFilter[] } {
  const asked: LetterFilter[] = []
  return {
    asked,
    list: async filter => {
      asked.push(filter)
      if (filter.after === undefined) return all.toReversed().slice(0, filter.limit)
      return all.filter(({ letter }) => letter > filter.after!).slice(0, filter.limit)
    },
  }
}

it('letters are grouped by how they failed, the most frequent first, with first, last and an example', async () => {
  const list = listOf([letter(1, 'no station "A"'), letter(2, 'timed out after 5 ms'), letter(3, 'no station "B"')])
  const groups = await groupLetters(list, { agent: 'forecast' })
  expect(groups).toMatchObject([
    { shape: 'no station <text>', count: 2, firstMs: 1_001, lastMs: 1_003, example: 3, error: { message: 'no station "B"' } },
    { shape: 'timed out after <n> ms', count: 1, example: 2 },
  ])
  expect(list.asked[1]).toMatchObject({ agent: 'forecast', state: 'dead', after: 0 })
})

it('thousands of letters are gone through in pages, each once, those of one group alone where it is asked', async () => {
  const all = Array.from({ length: 1_201 }, (_, i) => letter(i + 1, i % 3 === 0 ? 'third' : `other ${i}`))
  const list = listOf(all)
  const [other] = await groupLetters(list, {})
  expect(list.asked.length).toBe(4)
  const seen: number[] = []
  for await (const page of deadLetters(list, { fingerprint: other!.fingerprint })) seen.push(...page.map(({ letter }) => letter))
  expect(seen).toEqual(all.filter((_, i) => i % 3 !== 0).map(({ letter }) => letter))
})

it('letters that die while one goes through them are left for the next time: a cause that lasts would never let it end', async () => {
  const all = [letter(1, 'a'), letter(2, 'a')]
  const seen: number[] = []
  for await (const page of deadLetters(listOf(all), {})) {
    seen.push(...page.map(({ letter }) => letter))
    all.push(letter(all.length + 1, 'a'))
  }
  expect(seen).toEqual([1, 2])
})
