import { describe, expect, it } from 'vitest'
import { differenceText, firstTwo } from '../../../src/console/web/pages/agents/compared.ts'
import { conditionOf, lagOf, toneOf } from '../../../src/console/web/pages/agents/conditions.ts'
import { shownGroup, typedAmong } from '../../../src/console/web/parts/agent-names.ts'

describe('how an agent is', () => {
  it('needs attention where it is down or not well, whatever else it does', () => {
    expect(conditionOf({ state: 'down' })).toBe('attention')
    expect(conditionOf({ state: 'running', diagnosis: { state: 'slow', words: '' } })).toBe('attention')
    expect(conditionOf({ state: 'running', diagnosis: { state: 'healthy', words: '' } })).toBe('working')
    expect(conditionOf({ state: 'paused', diagnosis: { state: 'paused', words: '' } })).toBe('paused')
    expect(conditionOf({ state: 'elsewhere' })).toBe('elsewhere')
    expect(conditionOf({ state: 'replaced' })).toBe('over')
  })

  it('has a word and a colour', () => {
    expect(toneOf({ state: 'running', diagnosis: { state: 'hung', words: '' } })).toEqual({ tone: 'bad', word: 'hung' })
    expect(toneOf({ state: 'running', diagnosis: { state: 'no_process', words: '' } })).toEqual({ tone: 'bad', word: 'no process' })
    expect(toneOf({ state: 'running', diagnosis: { state: 'behind', words: '' } })).toEqual({ tone: 'warn', word: 'behind' })
    expect(toneOf({ state: 'draining' })).toEqual({ tone: 'warn', word: 'draining' })
    expect(toneOf({ state: 'running' })).toEqual({ tone: 'good', word: 'healthy' })
    expect(toneOf({ state: 'decommissioned' })).toEqual({ tone: '', word: 'decommissioned' })
  })

  it('lags by the sum of its topics’ data, and by the oldest that waits in any', () => {
    const reading = { per_second: 0, full: 0 }
    const from = { a: { ...reading, lag: 3, lag_seconds: 9 }, b: { ...reading, lag: 4, lag_seconds: 2 } }
    expect(lagOf({ from })).toEqual({ data: 7, seconds: 9 })
    expect(lagOf({ from: {} })).toEqual({ data: 0, seconds: 0 })
  })
})

describe('two versions compared', () => {
  const versions = [
    { group: '_shadow.mood@2', shadow: true },
    { group: 'mood@1', shadow: false },
    { group: 'mood@3', shadow: false },
  ]

  it('are the live one and its shadow, unless others are named', () => {
    expect(firstTwo(versions, null, null).map(({ group }) => group)).toEqual(['mood@1', '_shadow.mood@2'])
    expect(firstTwo(versions, 'mood@3', 'mood@1').map(({ group }) => group)).toEqual(['mood@3', 'mood@1'])
    expect(firstTwo(versions.slice(1), null, 'mood@9').map(({ group }) => group)).toEqual(['mood@1', 'mood@3'])
  })

  it('differ by four digits, and not at all where there are no numbers', () => {
    expect([differenceText(0.000123456, 5), differenceText(96.54321, 5), differenceText(0, 0)]).toEqual(['0.0001235', '96.54', '–'])
  })
})

it('types a shadow by its name in the engine where the live version has the same one', () => {
  expect(shownGroup('_shadow.mood@2')).toEqual({ name: 'mood', typed: 'mood@2', shown: 'mood@2 (shadow)' })
  expect(typedAmong('_shadow.mood@2', ['mood@1', '_shadow.mood@2'])).toBe('mood@2')
  expect(typedAmong('_shadow.mood@1', ['mood@1', '_shadow.mood@1'])).toBe('_shadow.mood@1')
})
