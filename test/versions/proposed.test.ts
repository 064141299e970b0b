import { describe, expect, it } from 'vitest'
import type { Standing } from '../../src/engine/engine.ts'
import { begun } from '../../src/stream/checkpoint.ts'
import type { Decision } from '../../src/versions/decision.ts'
import { applied, UNDECIDED } from '../../src/versions/fold.ts'
import { hasDrained, proposed, type Wish } from '../../src/versions/proposed.ts'

const who = { by: 'ann@desk', atMs: 7 }
const at = (group: string, options: Partial<Standing> = {}): Standing => ({
  ...{ group, topic: 'demand', partition: 0, checkpoint: begun(3, 1), first: 0, next: 5 },
  ...options,
})
const judged = (wish: Wish, standings: readonly Standing[], ...before: readonly Decision[]) =>
  proposed(wish, { standings, versions: before.reduce(applied, UNDECIDED), ...who })
const refused = (...asked: Parameters<typeof judged>) => {
  try {
    judged(...asked)
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'nothing is refused'
}
const stop = (group: string): Decision => ({ kind: 'decommission', group, ...who })

describe('a promotion', () => {
  const wish: Wish = { kind: 'promote', agent: 'forecast@3' }
  const shadow = at('_shadow.forecast@3')

  it('is over the only version whose place is still its own', () => {
    const decision = { kind: 'promote', agent: 'forecast', version: 3, replaces: 2, ...who }
    const replaced = at('forecast@1', { replacedBy: 'forecast@2' })
    expect(judged(wish, [replaced, at('forecast@2'), at('forecaster@9'), shadow])).toEqual(decision)
    expect(judged(wish, [at('forecast@1'), at('forecast@2'), shadow], stop('forecast@1'))).toEqual(decision)
    expect(judged({ ...wish, replaces: 2 }, [at('forecast@1'), at('forecast@2'), shadow])).toEqual(decision)
  })

  it('is refused where it would miss or double something', () => {
    expect(refused(wish, [shadow])).toContain('There is no live version of forecast')
    expect(refused(wish, [at('forecast@1'), at('forecast@2'), shadow])).toContain('2 live versions: 1, 2. Say which')
    expect(refused(wish, [at('forecast@1'), at('forecast@3'), shadow])).toContain('has run live before')
    expect(refused(wish, [at('forecast@1'), at('forecast@3')])).toContain('is no shadow')
    expect(refused(wish, [at('forecast@1')])).toContain('No agent forecast@3 has a place in the stream. There are: forecast@1.')
    const taken = at('forecast@1', { replacedBy: 'forecast@2' })
    expect(refused({ ...wish, replaces: 1 }, [taken, at('forecast@2'), shadow])).toContain('taken over by forecast@2. Say --replaces 2.')
  })

  it('is refused of a shadow that reads other topics, such as windows of another version; replays are no matter', () => {
    const windows = (group: string, version: number) => at(group, { topic: `_windows.forecast@${version}` })
    expect(refused(wish, [windows('forecast@1', 1), windows('_shadow.forecast@3', 3)])).toContain(
      'It reads _windows.forecast@3, and forecast@1 reads _windows.forecast@1',
    )
    expect(refused(wish, [at('forecast@1'), shadow, at('_shadow.forecast@3', { topic: 'weather' })])).toContain('demand, weather')
    const replay = at('forecast@1', { topic: '_replay.forecast@1' })
    expect(judged(wish, [at('forecast@1'), replay, at('forecast@1', { partition: 1 }), shadow])).toMatchObject({ replaces: 1 })
  })
})

describe('a decommission', () => {
  const wish: Wish = { kind: 'decommission', agent: 'forecast@1', now: false }

  it('waits for what was accepted by then, in each partition', () => {
    const own = [at('forecast@1'), at('forecast@1', { partition: 2, next: 9 }), at('forecast@1', { topic: '_replay.forecast@1', next: 1 })]
    const decision = judged(wish, [...own, at('forecast@2', { next: 99 })])
    expect(JSON.parse(JSON.stringify(decision))).toEqual({
      kind: 'decommission',
      group: 'forecast@1',
      until: { demand: [5, null, 9], '_replay.forecast@1': [1] },
      ...who,
    })
    expect(judged({ ...wish, now: true }, own)).toEqual(stop('forecast@1'))
  })

  it('is over when the places are there, whatever has come since', () => {
    const until = { demand: [5] }
    expect(hasDrained('forecast@1', until, [at('forecast@1'), at('forecast@2')])).toBe(false)
    const passed = at('forecast@1', { checkpoint: begun(5, 1), next: 50 })
    expect(hasDrained('forecast@1', until, [passed, at('forecast@1', { partition: 1, checkpoint: begun(0, 1) })])).toBe(true)
  })

  it('is of the live version, or else of the shadow, and undone of the one that has ended', () => {
    const both = [at('forecast@1'), at('_shadow.forecast@1')]
    expect(judged({ ...wish, now: true }, both)).toMatchObject({ group: 'forecast@1' })
    expect(judged({ ...wish, now: true }, both, stop('forecast@1'))).toMatchObject({ group: '_shadow.forecast@1' })
    expect(judged({ ...wish, now: true }, [at('_shadow.forecast@1')])).toMatchObject({ group: '_shadow.forecast@1' })
    expect(judged({ kind: 'recommission', agent: 'forecast@1' }, both, stop('_shadow.forecast@1'))).toMatchObject({
      group: '_shadow.forecast@1',
    })
  })

  it('of an agent with windows or a join waits for those that gather for it, which are not decommissioned by themselves', () => {
    const windows = [at('forecast.windows@2'), at('forecast@1', { topic: '_windows.forecast@2', next: 4 })]
    expect(judged(wish, windows)).toMatchObject({ until: { demand: [5], '_windows.forecast@2': [4] } })
    const own: Wish = { kind: 'decommission', agent: 'forecast.windows@2', now: true }
    expect(refused(own, windows)).toContain('It gathers for forecast@1, and ends and goes on with it.')
    const pairs = [at('f.sides@1'), at('f.pairs@1', { topic: '_sides.f@1' }), at('f@1', { topic: '_pairs.f@1' })]
    expect(refused({ ...own, agent: 'f.sides@1' }, pairs)).toContain('millrace decommission f@1.')
    expect(refused({ kind: 'recommission', agent: 'f.pairs@1' }, pairs)).toContain('It gathers for f@1')
  })

  it('is refused where it has ended otherwise', () => {
    expect(refused(wish, [at('forecast@1', { replacedBy: 'forecast@2' })])).toContain('taken over by forecast@2: it has ended')
    expect(refused(wish, [at('forecast@1')], stop('forecast@1'))).toContain('decommissioned already. To let it go on')
    expect(refused({ ...wish, agent: 'forecast' }, [at('forecast@1')])).toBe(
      '"forecast" names no version of an agent. Say it as name@version. There are: forecast@1.',
    )
  })
})

describe('a pause', () => {
  it('is of the version that is at work, and ends where it was paused', () => {
    const places = [at('forecast@1'), at('_shadow.forecast@1')]
    const paused = judged({ kind: 'pause', agent: 'forecast@1' }, places)
    expect(paused).toEqual({ kind: 'pause', group: 'forecast@1', ...who })
    expect(judged({ kind: 'resume', agent: 'forecast@1' }, places, paused)).toEqual({ kind: 'resume', group: 'forecast@1', ...who })
    const shadow: Decision = { kind: 'pause', group: '_shadow.forecast@1', ...who }
    expect(judged({ kind: 'resume', agent: 'forecast@1' }, places, shadow)).toMatchObject({ group: '_shadow.forecast@1' })
  })

  it('is refused of what has ended, of what never ran, and of what gathers for another', () => {
    const wish: Wish = { kind: 'pause', agent: 'forecast@1' }
    expect(refused(wish, [at('forecast@1', { replacedBy: 'forecast@2' })])).toContain('millrace pause forecast@2')
    expect(refused(wish, [at('forecast@1')], stop('forecast@1'))).toContain('stays as it is. It is decommissioned')
    expect(refused(wish, [])).toContain('No agent forecast@1 has a place')
    const gathering = [at('hourly.windows@1'), at('hourly@1', { topic: '_windows.hourly@1' })]
    expect(refused({ kind: 'pause', agent: 'hourly.windows@1' }, gathering)).toContain('millrace pause hourly@1')
  })
})

describe('a ramp', () => {
  it('is of a version that has no place of its own yet', () => {
    expect(judged({ kind: 'ramp', agent: 'forecast@2', share: 0.5 }, [at('forecast@1')])).toMatchObject({ version: 2, share: 0.5 })
    expect(refused({ kind: 'ramp', agent: 'forecast@2', share: 0.5 }, [at('forecast@2')])).toContain('it gets everything')
    expect(refused({ kind: 'ramp', agent: 'market@2', share: 0.5 }, [at('forecast@1')])).toContain('No agent market@2')
  })
})
