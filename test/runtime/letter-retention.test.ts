import { expect, it } from 'vitest'
import type { DeadLetters, LetterFilter, StoredLetter } from '../../src/agents/dead-letter.ts'
import { keepLetterRetention } from '../../src/runtime/letter-retention.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

const DAY_MS = 86_400_000

/** Letters that died a minute apart; `away` while they cannot be asked. */
function scene(count: number) {
  const clock = new VirtualClock({
    startMs: 100 * DAY_MS,
    settle: async () => {
      for (let i = 0; i < 50; i++) await new Promise(resolve => setImmediate(resolve))
    },
  })
  const dead = new Map<number, Pick<StoredLetter, 'letter' | 'agent' | 'atMs'>>()
  for (let letter = 1; letter <= count; letter++) {
    const agent = { name: letter % 2 === 0 ? 'even' : 'odd', version: 1 }
    dead.set(letter, { letter, agent, atMs: clock.now() - DAY_MS + letter * 60_000 })
  }
  const expired: string[] = []
  const warnings: string[] = []
  const state = { away: false }
  const letters = {
    list: async ({ after = 0, diedBeforeMs = 0, limit }: LetterFilter) => {
      if (state.away) throw new Error('away')
      return [...dead.values()].filter(({ letter, atMs }) => letter > after && atMs < diedBeforeMs).slice(0, limit)
    },
    expire: async (numbers: readonly number[]) => numbers.filter(number => dead.delete(number)),
    // Nothing else is asked of them.
  } as unknown as DeadLetters
  const end = keepLetterRetention({
    engine: { letters },
    clock,
    retentionMs: DAY_MS,
    expired: (agent, gone) => expired.push(`${agent.name} ${gone}`),
    log: { info() {}, warn: text => void warnings.push(text), error() {} },
  })
  return { clock, dead, expired, warnings, state, end }
}

it('letters expire when they have been dead for as long as is set, and it is said and counted by agent', async () => {
  const { clock, dead, expired, warnings, end } = scene(3)
  await clock.advance('59s')
  expect(expired).toEqual([])
  await clock.advance('65s')
  expect([expired, [...dead.keys()]]).toEqual([['odd 1'], [2, 3]])
  await clock.advance('10m')
  expect([expired, dead.size]).toEqual([['odd 1', 'even 1', 'odd 1'], 0])
  expect(warnings[0]).toBe('1 dead letters of odd@1 have expired, the oldest with the number 1: nobody came to them.')
  await end()
})

it('thousands go in steps, all of them', async () => {
  const { clock, dead, expired, end } = scene(1_300)
  await clock.advance('3d')
  expect(dead.size).toBe(0)
  expect(expired.reduce((sum, text) => sum + Number(text.split(' ')[1]), 0)).toBe(1_300)
  await end()
})

it('an engine that is away is said once, and asked again', async () => {
  const { clock, dead, warnings, state, end } = scene(1)
  state.away = true
  await clock.advance('5m')
  expect(warnings).toEqual(['Dead letters could not be looked through for those that expire: Error: away'])
  state.away = false
  await clock.advance('5m')
  expect(dead.size).toBe(0)
  await end()
})

it('once ended nothing expires any more', async () => {
  const { clock, dead, end } = scene(1)
  await end()
  await clock.advance('3d')
  expect(dead.size).toBe(1)
})
