import { agent, bytes, pipeline, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import type { Decision } from '../../src/versions/decision.ts'
import { fitting } from '../../src/versions/fitting.ts'
import { applied, UNDECIDED, type Versions } from '../../src/versions/fold.ts'

const demand = topic('demand', bytes(), { partitions: 1 })
const inner = topic('inner', bytes(), { partitions: 1 })
const outer = topic('outer', bytes(), { partitions: 1 })
const who = { by: 'ann@desk', atMs: 1 }
const promote = (name: string, version: number, replaces: number): Decision => ({ kind: 'promote', agent: name, version, replaces, ...who })
const having = (...decisions: readonly Decision[]): Versions => decisions.reduce(applied, UNDECIDED)
const make = (name: string, version: number, options: { shadow?: boolean; replaces?: number } = {}) =>
  agent(name, { version, from: demand, to: outer, ...options }, datum => datum)

describe('what can be followed of the decisions', () => {
  it('is all of them, as they were read, where the file excludes none', () => {
    const versions = having(promote('forecast', 2, 1))
    const fit = fitting(pipeline('grid', { agents: [make('forecast', 1), make('forecast', 2, { shadow: true })] }), versions)
    expect(fit.versions).toBe(versions)
    expect(fit.unfit).toEqual([])
    expect([...fit.running.agents.keys()]).toEqual(['forecast@2'])
  })

  it('is all but the one that the file excludes, whatever was decided after it; the shadow goes on as one', () => {
    const agents = [
      make('forecast', 2, { shadow: true }),
      make('forecast', 3, { replaces: 1 }),
      make('mood', 1),
      make('mood', 2, { shadow: true }),
    ]
    const fit = fitting(pipeline('grid', { agents }), having(promote('forecast', 2, 1), promote('mood', 2, 1)))
    expect(fit.unfit).toMatchObject([{ group: 'forecast@2', cause: { code: 'GRAPH_INVALID' } }])
    expect([...fit.running.agents.keys()]).toEqual(['_shadow.forecast@2', 'forecast@3', 'mood@2'])
  })

  it('is not the end of an agent that alone leads out of a cycle', () => {
    const there = agent('there', { version: 1, from: demand, to: inner }, datum => datum)
    const back = agent('back', { version: 1, from: inner, to: demand }, datum => datum)
    const out = agent('out', { version: 1, from: inner, to: [demand, outer] }, datum => [{ to: outer, value: datum }])
    const fit = fitting(pipeline('grid', { agents: [there, back, out] }), having({ kind: 'decommission', group: 'out@1', ...who }))
    expect(fit.unfit).toMatchObject([{ group: 'out@1' }])
    expect([...fit.running.agents.keys()]).toEqual(['there@1', 'back@1', 'out@1'])
  })
})
