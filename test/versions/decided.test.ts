import { agent, bytes, pipeline, storageAgent, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import { decided } from '../../src/versions/decided.ts'
import type { Decision } from '../../src/versions/decision.ts'
import { applied, UNDECIDED, type Versions } from '../../src/versions/fold.ts'
import { ScriptedStore } from '../storage/scripted-store.ts'

const demand = topic('demand', bytes(), { partitions: 1 })
const prediction = topic('prediction', bytes(), { partitions: 1 })
const who = { by: 'ann@desk', atMs: 1 }
const promote = (version: number, replaces: number): Decision => ({ kind: 'promote', agent: 'forecast', version, replaces, ...who })
const end = (group: string): Decision => ({ kind: 'decommission', group, ...who })
const having = (...decisions: readonly Decision[]): Versions => decisions.reduce(applied, UNDECIDED)

const version = (number: number, options: { shadow?: boolean; replaces?: number; ramp?: number } = {}) =>
  agent('forecast', { version: number, from: demand, to: prediction, ...options }, datum => datum)
const grid = (...agents: Parameters<typeof pipeline>[1]['agents']) => pipeline('grid', { agents })
const shape = (graph: ReturnType<typeof pipeline>) => ({
  agents: [...graph.agents.values()].map(each => ({
    name: each.name,
    version: each.version,
    replaces: each.replaces,
    to: each.kind === 'agent' && each.to.map(to => to.name),
  })),
  topics: [...graph.topics.keys()].sort(),
  entries: graph.entries.map(each => each.name),
})

describe('the graph that runs', () => {
  it('is the declared one where nothing was decided of it', () => {
    const graph = grid(version(1), version(2, { shadow: true }))
    expect(decided(graph, UNDECIDED)).toBe(graph)
    expect(decided(graph, having(end('other@1')))).toBe(graph)
  })

  it('is after a promotion what the file says that is changed as the command says', () => {
    const promoted = decided(grid(version(1), version(2, { shadow: true })), having(promote(2, 1)))
    expect(shape(promoted)).toEqual(shape(grid(version(2, { replaces: 1 }))))
    const changed = grid(version(2, { replaces: 1 }))
    expect(decided(changed, having(promote(2, 1)))).toBe(changed)
  })

  it('goes on from promotion to promotion, whatever of it the file has followed', () => {
    const versions = having(promote(2, 1), promote(3, 2))
    const expected = shape(grid(version(3, { replaces: 2 })))
    expect(shape(decided(grid(version(1), version(2, { shadow: true }), version(3, { shadow: true })), versions))).toEqual(expected)
    expect(shape(decided(grid(version(2, { replaces: 1 }), version(3, { shadow: true })), versions))).toEqual(expected)
    expect(shape(decided(grid(version(1), version(3, { replaces: 2 })), versions))).toEqual(expected)
  })

  it('keeps a version whose successor the file has not got: nobody else would do its work', () => {
    const old = grid(version(1))
    expect(decided(old, having(promote(2, 1)))).toBe(old)
  })

  it('may have the old version as the shadow of the new one', () => {
    const graph = grid(version(2, { replaces: 1 }), version(1, { shadow: true }))
    expect(decided(graph, having(promote(2, 1)))).toBe(graph)
    expect([...graph.agents.keys()]).toEqual(['forecast@2', '_shadow.forecast@1'])
  })

  it('is without what is decommissioned, live or a shadow, and its topics stay, for those who may send to them', () => {
    const lake = storageAgent('lake', { version: 1, from: prediction, to: new ScriptedStore() })
    const graph = grid(version(1), version(2, { shadow: true }), lake)
    const running = decided(graph, having(end('forecast@1'), end('lake@1')))
    expect([...running.agents.keys()]).toEqual(['_shadow.forecast@2'])
    expect([...running.topics.keys()].sort()).toEqual(['_shadow.forecast@2.prediction', 'demand', 'prediction'])
    // Nobody writes predictions any more, and producers may not all the same.
    expect(running.entries).toEqual([demand])
    expect([...decided(graph, having(end('_shadow.forecast@2'))).agents.keys()]).toEqual(['forecast@1', 'lake@1'])
  })

  it('gives a version the share of the keys that was decided, where it is declared to get one', () => {
    const versions = having({ kind: 'ramp', agent: 'forecast', version: 2, share: 0.5, ...who })
    const ramped = decided(grid(version(1), version(2, { replaces: 1, ramp: 0.1 })), versions)
    expect([...ramped.agents.values()]).toMatchObject([{ version: 1, ramps: { agent: { version: 2 }, share: 0.5 } }])
    const graph = grid(version(1), version(2))
    expect(decided(graph, versions)).toBe(graph)
    // The version that it was to replace has ended: it takes over.
    const alone = decided(grid(version(1), version(2, { replaces: 1, ramp: 0.1 })), having(end('forecast@1')))
    expect(shape(alone)).toEqual(shape(grid(version(2, { replaces: 1 }))))
  })

  it('does not run where the file and a decision exclude each other', () => {
    const graph = grid(version(2, { shadow: true }), version(3, { replaces: 1 }))
    expect(() => decided(graph, having(promote(2, 1)))).toThrow('both replace forecast@1')
  })
})
