import { describe, expect, it } from 'vitest'
import type { Decision } from '../../src/versions/decision.ts'
import { applied, isOver, refusal, successorOf, UNDECIDED, type Versions } from '../../src/versions/fold.ts'

const who = { by: 'ann@desk', atMs: 1 }
const promote = (version: number, replaces: number): Decision => ({ kind: 'promote', agent: 'forecast', version, replaces, ...who })
const drain = (group: string): Decision => ({ kind: 'decommission', group, until: { demand: [5, 7] }, ...who })
const stop = (group: string): Decision => ({ kind: 'decommission', group, ...who })
const having = (...decisions: readonly Decision[]): Versions => decisions.reduce(applied, UNDECIDED)

describe('promotions', () => {
  it('give the place of one version to another, and end its shadow', () => {
    const versions = having(promote(2, 1), promote(3, 2))
    expect(successorOf(versions, 'forecast', 1)).toBe(2)
    expect(successorOf(versions, 'forecast', 2)).toBe(3)
    expect(successorOf(versions, 'forecast', 3)).toBeUndefined()
    expect(successorOf(versions, 'forecast-long', 1)).toBeUndefined()
    expect(isOver(versions.ended, '_shadow.forecast@2')).toBe(true)
    expect(versions.promoted.get('forecast@2')).toEqual({ replaces: 1, ...who })
  })

  it('of one place the first counts, and each is made once', () => {
    const versions = having(promote(2, 1))
    expect(refusal(versions, promote(3, 1))).toBe('The place of forecast@1 was taken over by forecast@2.')
    expect(refusal(versions, promote(2, 1))).toBe('forecast@2 has been promoted already.')
    expect(applied(versions, promote(3, 1), 9)).toBe(versions)
  })

  it('are not made from or over what is decommissioned', () => {
    expect(refusal(having(stop('forecast@1')), promote(2, 1))).toMatch('forecast@1 is decommissioned')
    expect(refusal(having(stop('_shadow.forecast@2')), promote(2, 1))).toMatch('The shadow forecast@2 is decommissioned')
  })
})

describe('a decommission', () => {
  it('that drains is over once that very one has drained', () => {
    let versions = having(drain('forecast@1'))
    expect(versions.ended.get('forecast@1')).toEqual({ state: 'draining', of: 0, until: { demand: [5, 7] }, ...who })
    expect(isOver(versions.ended, 'forecast@1')).toBe(false)
    // Said late of one that was undone: this one has still to drain.
    versions = having(drain('forecast@1'), { kind: 'recommission', group: 'forecast@1', ...who }, drain('forecast@1'))
    expect(applied(versions, { kind: 'drained', group: 'forecast@1', of: 0, atMs: 2 }, 3)).toBe(versions)
    versions = applied(versions, { kind: 'drained', group: 'forecast@1', of: 2, atMs: 2 }, 3)
    expect(versions.ended.get('forecast@1')).toEqual({ state: 'decommissioned', of: 2, ...who })
  })

  it('may be hastened while it drains, and undone, and is refused when it is over', () => {
    const draining = having(drain('forecast@1'))
    expect(refusal(draining, drain('forecast@1'))).toBe('It is being decommissioned already.')
    expect(isOver(applied(draining, stop('forecast@1'), 1).ended, 'forecast@1')).toBe(true)
    expect(refusal(having(stop('forecast@1')), stop('forecast@1'))).toBe('It is decommissioned already.')
    const back = having(stop('forecast@1'), { kind: 'recommission', group: 'forecast@1', ...who })
    expect(back.ended.size).toBe(0)
    expect(refusal(back, { kind: 'recommission', group: 'forecast@1', ...who })).toBe('It is not decommissioned.')
  })

  it('says nothing of a shadow that was promoted', () => {
    for (const decision of [stop('_shadow.forecast@2'), { kind: 'recommission', group: '_shadow.forecast@2', ...who } as const])
      expect(refusal(having(promote(2, 1)), decision)).toMatch('It was promoted')
  })
})

describe('a pause', () => {
  const pause = (group: string): Decision => ({ kind: 'pause', group, ...who })
  const resume = (group: string): Decision => ({ kind: 'resume', group, ...who })

  it('holds until it is resumed', () => {
    expect(having(pause('forecast@1')).paused.get('forecast@1')).toEqual(who)
    expect(having(pause('forecast@1'), resume('forecast@1')).paused.size).toBe(0)
    expect(refusal(having(pause('forecast@1')), pause('forecast@1'))).toBe(`It was paused already, by ${who.by}.`)
    expect(refusal(having(), resume('forecast@1'))).toBe('It is not paused.')
  })

  it('and a drain exclude each other, for it would never end; one that is ended at once is paused no more', () => {
    expect(refusal(having(pause('forecast@1')), drain('forecast@1'))).toContain('would never come to the end')
    expect(refusal(having(drain('forecast@1')), pause('forecast@1'))).toContain('would never be done')
    expect(having(pause('forecast@1'), stop('forecast@1')).paused.size).toBe(0)
  })

  it('of a shadow ends with its promotion', () => {
    expect(having(pause('_shadow.forecast@2'), promote(2, 1)).paused.size).toBe(0)
  })
})

describe('a ramp', () => {
  it('is what was said last', () => {
    const ramp = (share: number): Decision => ({ kind: 'ramp', agent: 'forecast', version: 2, share, ...who })
    expect(having(ramp(0.1), ramp(0.5)).shares.get('forecast@2')).toBe(0.5)
  })
})
