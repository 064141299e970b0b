import { describe, expect, it } from 'vitest'
import type { LedgerRow } from '../../../src/console/api/ledger.ts'
import { agentNameIn, evidenceText, isCommand } from '../../../src/console/web/pages/health/advice-words.ts'
import { burnWords } from '../../../src/console/web/pages/health/burn.ts'
import { sumsOf } from '../../../src/console/web/pages/health/ledger-sums.ts'

describe('the ledger, added up by agent', () => {
  const row = (agent: string, partition: number, gap: number): LedgerRow => ({
    ...{ agent, version: 1, topic: 'demand', partition, first: 10, committed: 30 },
    ...{ done: 15, dead: 3, duplicate: 1, lost: 1, gap, behind: 5, expired: 0, lag_seconds: 2 },
  })

  it('adds what an agent was given in all its partitions', () => {
    expect(sumsOf([row('forecast', 0, 0), row('forecast', 1, 0)])).toMatchObject([{ shown: 'forecast@1', given: 40, done: 30, dead: 6 }])
  })

  it('has agents with a gap first, and does not let a gap and its opposite be none', () => {
    const sums = sumsOf([row('forecast', 0, 0), row('_shadow.dispatch', 0, 1), row('_shadow.dispatch', 1, -1)])
    expect(sums.map(({ name, shown, gap }) => [name, shown, gap])).toEqual([
      ['dispatch', 'dispatch@1 (shadow)', 2],
      ['forecast', 'forecast@1', 0],
    ])
  })
})

describe('advice in words', () => {
  it('shows what was measured with the unit of its name', () => {
    const shown = Object.fromEntries(
      Object.entries({
        arrival_per_second: 120,
        lag: 3_100,
        lag_seconds: 95,
        busy_share: 0.84,
        seconds_per_datum: 0.0042,
        replicas: 1,
      }).map(([name, value]) => evidenceText(name, value)),
    )
    expect(shown).toEqual({
      ...{ Arrival: '120/s', Lag: '3,100', 'Oldest waits': '95 s' },
      ...{ Busy: '84 %', 'Busy for each datum': '4.2 ms', Replicas: '1' },
    })
  })

  it('tells what is typed into a terminal from what is written into a file', () => {
    expect([isCommand('millrace agents'), isCommand('in the file: replicas: 4')]).toEqual([true, false])
  })

  it('knows whom it is about', () => {
    expect([agentNameIn('forecast@2'), agentNameIn('_shadow.forecast@2'), agentNameIn('front end')]).toEqual([
      'forecast',
      'forecast',
      undefined,
    ])
  })
})

it('says what a burn rate means', () => {
  expect([null, 0, 0.5, 14.4].map(burnWords)).toEqual([
    'No datum was due yet.',
    'Nothing was late.',
    'At this rate the error budget lasts.',
    'At this rate the error budget is used up 14.4 times as fast as it may be.',
  ])
})
