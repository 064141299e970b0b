import { agent, cache, MillraceError, out, pipeline, storageAgent, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { Store } from '../src/storage/storage.ts'

const demand = topic('demand', z.object({ station: z.string() }), { key: d => d.station })
const prediction = topic('prediction', z.object({ station: z.string() }))
const alert = topic('alert', z.object({ station: z.string() }))
const average = cache('average', z.object({ station: z.string() }), { key: a => a.station })
const store: Store = {
  kind: 'rolling',
  describe: 'nowhere',
  roll: { records: 1, bytes: 1, ageMs: 1 },
  open: () => Promise.reject(new Error('A graph is checked without opening a store.')),
}
const lake = storageAgent('lake', { version: 1, from: [demand, prediction], to: store })
const forecast = agent('forecast', { version: 2, from: demand, to: prediction }, d => d)

function refusal(act: () => unknown): string {
  try {
    act()
  } catch (error) {
    if (error instanceof MillraceError && error.code === 'GRAPH_INVALID' && error.fix !== undefined) return error.message
    throw error
  }
  throw new Error('The graph was accepted.')
}

describe('a pipeline', () => {
  it('knows its topics, agents, caches and where producers send', () => {
    const averages = agent('averages', { version: 1, from: demand, to: [average, alert] }, d => out(average, d))
    const grid = pipeline('grid', { agents: [forecast, averages, lake], topics: [alert] })
    expect([...grid.topics.keys()].sort()).toEqual(['alert', 'demand', 'prediction'])
    expect([...grid.agents.keys()]).toEqual(['forecast@2', 'averages@1', 'lake@1'])
    expect([...grid.caches.keys()]).toEqual(['average'])
    expect(grid.entries).toEqual([demand])
  })

  it('runs two versions of an agent side by side, and one in place of a version that is gone', () => {
    const third = agent('forecast', { version: 3, from: demand, to: prediction }, d => d)
    expect(pipeline('grid', { agents: [forecast, third] }).agents.size).toBe(2)
    const instead = agent('forecast', { version: 3, from: demand, to: prediction, replaces: 2 }, d => d)
    expect(pipeline('grid', { agents: [instead] }).agents.size).toBe(1)
  })

  it('knows where producers send also where a cache is called as a topic is', () => {
    const latest = cache('demand', z.object({ station: z.string() }), { key: d => d.station })
    const keep = agent('keep', { version: 1, from: demand, to: latest }, d => d)
    expect(pipeline('grid', { agents: [keep] }).entries).toEqual([demand])
  })

  it('may have topics and no agent yet', () => {
    expect(pipeline('grid', { agents: [], topics: [demand] }).entries).toEqual([demand])
  })
})

describe('a graph that does not hold together is refused, naming the agent and what to do', () => {
  it('no list of agents', () => {
    // @ts-expect-error: as JavaScript might
    expect(refusal(() => pipeline('grid', {}))).toBe("pipeline('grid') has no list of agents. Give it one: { agents: [forecast, lake] }.")
  })

  it('something that is no agent', () => {
    // @ts-expect-error: a topic is no agent
    expect(refusal(() => pipeline('grid', { agents: [demand] }))).toMatch(/^pipeline\('grid'\) was given something that is not an agent\. /)
  })

  it('two agents of one name and version', () => {
    const twin = storageAgent('forecast', { version: 2, from: demand, to: store })
    expect(refusal(() => pipeline('grid', { agents: [forecast, twin] }))).toBe(
      'Two agents are both forecast@2. Raise the version of one, or rename it.',
    )
  })

  it('an agent without an input', () => {
    const deaf = agent('deaf', { version: 1, from: [], to: alert }, () => undefined)
    expect(refusal(() => pipeline('grid', { agents: [deaf] }))).toBe(
      "agent 'deaf@1' has no input. Give it the topic that it reads: from: demand.",
    )
  })

  it('an agent that reads something else than a topic, such as one that is not declared yet', () => {
    // @ts-expect-error: a cache cannot be read from
    const wrong = agent('wrong', { version: 1, from: average }, () => {})
    expect(refusal(() => pipeline('grid', { agents: [wrong] }))).toMatch(
      /^agent 'wrong@1' reads from something that is not a topic\. Declare/,
    )
    // @ts-expect-error: a name is not its topic
    const named = storageAgent('named', { version: 1, from: ['demand'], to: store })
    expect(refusal(() => pipeline('grid', { agents: [named] }))).toMatch(/^storageAgent 'named@1' reads from something/)
  })

  it('an agent that reads one topic twice', () => {
    const twice = agent('twice', { version: 1, from: [demand, demand] }, () => {})
    expect(refusal(() => pipeline('grid', { agents: [twice] }))).toBe("agent 'twice@1' reads a topic twice. Name each of its topics once.")
  })

  it('an agent that writes to something that is neither a topic nor a cache', () => {
    // @ts-expect-error: a name is not its topic
    const wrong = agent('wrong', { version: 1, from: demand, to: 'alert' }, () => undefined)
    expect(refusal(() => pipeline('grid', { agents: [wrong] }))).toMatch(/^agent 'wrong@1' writes to something that is neither/)
  })

  it('two topics of one name', () => {
    const other = topic('demand', z.string())
    const reader = agent('reader', { version: 1, from: other }, () => {})
    expect(refusal(() => pipeline('grid', { agents: [forecast, reader] }))).toMatch(
      /^agent 'reader@1' uses a topic 'demand' that is not the one declared before/,
    )
    expect(refusal(() => pipeline('grid', { agents: [reader], topics: [demand] }))).toMatch(
      /Declare each topic once and share the constant/,
    )
  })

  it('two caches of one name', () => {
    const other = cache('average', z.object({ station: z.string() }), { key: a => a.station })
    const one = agent('one', { version: 1, from: demand, to: average }, d => d)
    const two = agent('two', { version: 1, from: demand, to: other }, d => d)
    expect(refusal(() => pipeline('grid', { agents: [one, two] }))).toMatch(
      /^agent 'two@1' uses a cache 'average' that is declared twice\. /,
    )
  })

  it('an agent that replaces a version which is still there', () => {
    const third = agent('forecast', { version: 3, from: demand, to: prediction, replaces: 2 }, d => d)
    expect(refusal(() => pipeline('grid', { agents: [forecast, third] }))).toBe(
      "agent 'forecast@3' replaces forecast@2, which is still in the pipeline. Remove forecast@2, drop 'replaces' to run both side by side, or give it a share of the keys: ramp: 0.1.",
    )
  })

  it('two agents that replace the same version', () => {
    const third = agent('forecast', { version: 3, from: demand, to: prediction, replaces: 1 }, d => d)
    const fourth = agent('forecast', { version: 4, from: demand, to: prediction, replaces: 1 }, d => d)
    expect(refusal(() => pipeline('grid', { agents: [third, fourth] }))).toMatch(
      /'forecast@3' and agent 'forecast@4' both replace forecast@1\. Only one/,
    )
  })

  it('a cycle with no way out, of one agent or of several', () => {
    const echo = agent('echo', { version: 1, from: demand, to: demand }, d => d)
    expect(refusal(() => pipeline('grid', { agents: [echo] }))).toMatch(
      /^agent 'echo@1' forms a cycle with no way out \(demand → demand\).+Let one of them/,
    )
    const back = agent('back', { version: 1, from: prediction, to: demand }, d => d)
    expect(refusal(() => pipeline('grid', { agents: [forecast, back, lake] }))).toMatch(
      /^agent 'forecast@2', agent 'back@1' form a cycle with no way out \(demand → prediction → demand\)/,
    )
  })

  it('but not a cycle that something leaves', () => {
    const back = agent('back', { version: 1, from: prediction, to: [demand, alert] }, d => out(alert, d))
    expect(pipeline('grid', { agents: [forecast, back] }).agents.size).toBe(2)
    const counted = agent('counted', { version: 1, from: demand, to: [demand, average] }, d => out(average, d))
    expect(pipeline('grid', { agents: [counted] }).agents.size).toBe(1)
  })
})

describe('a declaration that is a programmer’s mistake is a TypeError that names it', () => {
  const from = demand
  it.each([0, -1, 1.5, '1', undefined, Number.NaN])('version %j', version => {
    // @ts-expect-error: not all of them are numbers
    expect(() => agent('forecast', { version, from }, () => {})).toThrow(/^agent\('forecast'\) has version .*a whole number from 1/)
    // @ts-expect-error: not all of them are numbers
    expect(() => storageAgent('lake', { version, from, to: store })).toThrow(/^storageAgent\('lake'\) has version/)
  })

  it.each(['', 'a b', '../up', '_internal', '.hidden', 'x'.repeat(128), 'ünïcode', 'a/b', 'a@b', 'a\0b'])('name %j', name => {
    expect(() => topic(name, z.string())).toThrow(/^topic .* is not a usable name/)
    expect(() => agent(name, { version: 1, from }, () => {})).toThrow(/^agent .* is not a usable name/)
    expect(() => cache(name, z.string(), { key: String })).toThrow(/^cache .* is not a usable name/)
    expect(() => pipeline(name, { agents: [] })).toThrow(/^pipeline .* is not a usable name/)
  })

  it.each([
    [{ window: 3 }, /has a window but no 'by'/],
    [{ state: { init: () => 0, update: (s: number) => s } }, /has a state but no 'by'/],
    [{ by: () => 'k', window: 0 }, /window is 0: it must be a whole number from 1 to 100000/],
    [{ concurrency: 1.5 }, /concurrency is 1.5/],
    [{ replicas: 0 }, /replicas is 0: it must be a whole number from 1 to 1000/],
    [{ replicas: { min: 1, max: 1.5 } }, /replicas.max is 1.5/],
    [{ replicas: { min: 3, max: 2 } }, /replicas are at least 3 and at most 2: min must not be above max/],
    [{ retry: { attempts: 0 } }, /retry attempts is 0/],
    [{ timeout: 'soon' }, /timeout is "soon"; it must be a duration/],
    [{ replaces: 1 }, /version 1 replaces itself/],
    [{ replaces: 0 }, /replaces has version 0/],
  ])('agent options %j', (options, message) => {
    // @ts-expect-error: some are wrong in their types too
    expect(() => agent('a', { version: 1, from, ...options }, () => {})).toThrow(message)
  })

  it('a topic without a schema, or with impossible partitions', () => {
    // @ts-expect-error: no schema
    expect(() => topic('t', {})).toThrow(/^topic\('t'\) needs a Standard Schema/)
    for (const partitions of [0, 1.5, 1025])
      expect(() => topic('t', z.string(), { partitions })).toThrow(/must be a whole number from 1 to 1024/)
    expect(() => topic('t', z.string(), { retention: '-1d' as '1d' })).toThrow(/^topic\('t'\) retention is/)
  })

  it('a storage agent without a store, a cache without a key, an agent without a handler', () => {
    // @ts-expect-error: no store
    expect(() => storageAgent('lake', { version: 1, from, to: undefined })).toThrow(/needs a store/)
    // @ts-expect-error: no key
    expect(() => cache('c', z.string(), {})).toThrow(/whose latest value/)
    // @ts-expect-error: no handler
    expect(() => agent('a', { version: 1, from })).toThrow(/needs a handler/)
  })
})
