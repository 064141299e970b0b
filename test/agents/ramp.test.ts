import { agent, pipeline, remoteAgent, topic } from 'millrace'
import { command } from 'millrace/remote'
import { testPipeline } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { runAgent } from '../../src/agents/runner.ts'
import { systemClock } from '../../src/clock.ts'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { WorkFact } from '../../src/instrumentation/recorder.ts'
import { versionsOf } from '../../src/pipeline.ts'
import { topicSpecs } from '../../src/runtime/topics.ts'
import { send } from '../../src/testing/send.ts'
import { readLog } from '../faults/log.ts'

const numbers = topic('numbers', z.object({ key: z.string(), n: z.number() }), { key: datum => datum.key, partitions: 2 })
const counted = topic('counted', z.object({ key: z.string(), count: z.number(), by: z.number() }), { partitions: 2 })
const KEYS = 200

const by = (datum: { key: string }) => datum.key
const state = { init: () => 0, update: (count: number) => count + 1 }
const version = (number: number, options: { replaces?: number; ramp?: number } = {}) =>
  agent('count', { version: number, from: numbers, to: counted, by, state, ...options }, (datum, context) => {
    if (datum.n < 0) throw Object.assign(new Error(`not for ${number}`), { retryable: false })
    return { key: datum.key, count: context.state, by: number }
  })
const graph = (ramp: number) => pipeline('counts', { agents: [version(1), version(2, { replaces: 1, ramp })] })
const data = (n: number) => Array.from({ length: KEYS }, (_, i) => ({ key: `k${i}`, n }))

async function settled(engine: Engine): Promise<void> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const rows = await engine.standings()
    if (rows.length > 0 && rows.every(row => row.checkpoint.offset === row.next)) return
    if (Date.now() > deadline) throw new Error(JSON.stringify(rows))
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

describe('a version that gets a share of the keys', () => {
  it('is not given a datum whose key cannot be told: that is a dead letter, and the others are done', async () => {
    const fussy = (number: number, options: { replaces?: number; ramp?: number } = {}) =>
      agent(
        'count',
        {
          ...{ version: number, from: numbers, to: counted, ...options },
          by: ({ key, n }) => {
            if (n === 1) throw new Error('no key')
            return key
          },
        },
        ({ key, n }) => ({ key, count: n, by: number }),
      )
    await using run = await testPipeline(pipeline('counts', { agents: [fussy(1), fussy(2, { replaces: 1, ramp: 0.5 })] }))
    await run.send(
      numbers,
      [0, 1, 2].map(n => ({ key: 'k', n })),
    )
    await run.clock.advance('1m')
    expect(run.topic(counted).data.map(({ count }) => count)).toEqual([0, 2])
    expect(run.deadLetters.map(({ error }) => error.message)).toEqual(['no key'])
  })

  it('works at the other’s place: each datum is done once, by one of the two, whatever the share becomes', {
    timeout: 60_000,
  }, async () => {
    const engine = await openInMemory({ clock: systemClock })
    try {
      const facts: WorkFact[] = []
      const recorder = { ingest: () => undefined, work: (fact: WorkFact) => void facts.push(fact) }
      const takes: ReadonlySet<unknown>[] = []
      for (const [round, share] of [0, 0.1, 0.5, 1].entries()) {
        const running = graph(share)
        await engine.ensure(topicSpecs(running))
        const [only, ...others] = [...running.agents.values()]
        expect(others).toEqual([])
        if (only?.kind !== 'agent') throw new TypeError('There is one agent.')
        const at = runAgent(only, { engine, clock: systemClock, recorder })
        await send(engine, numbers, data(round), Date.now())
        await settled(engine)
        await at.stop(5_000)
        const outputs = (await readLog(engine, 'counted')).filter(({ value }) => value.count === round + 1)
        expect(outputs).toHaveLength(KEYS)
        const ramped = outputs.filter(({ value }) => value.by === 2)
        takes.push(new Set(ramped.map(({ value }) => value.key)))
        expect(ramped.length / KEYS).toBeGreaterThan(share - 0.08)
        expect(ramped.length / KEYS).toBeLessThan(share + 0.08)
      }
      // A key that it once had it keeps, as long as the share grows.
      for (const [i, keys] of takes.entries()) if (i > 0) for (const key of takes[i - 1]!) expect(keys).toContain(key)
      expect([takes[0]!.size, takes[3]!.size]).toEqual([0, KEYS])
      const done = (of: number) => facts.reduce((sum, fact) => (fact.version === of ? sum + fact.done : sum), 0)
      expect(done(2)).toBe(takes.reduce((sum, { size }) => sum + size, 0))
      expect(done(1) + done(2)).toBe(4 * KEYS)

      // And then it takes over.
      const last = pipeline('counts', { agents: [version(2, { replaces: 1 })] }).agents.get('count@2')
      if (last?.kind !== 'agent') throw new TypeError('It is an agent.')
      const at = runAgent(last, { engine, clock: systemClock, recorder })
      await send(engine, numbers, data(4), Date.now())
      const deadline = Date.now() + 20_000
      while ((await readLog(engine, 'counted')).length < 5 * KEYS && Date.now() < deadline)
        await new Promise(resolve => setTimeout(resolve, 5))
      await at.stop(5_000)
      const outputs = await readLog(engine, 'counted')
      expect(outputs).toHaveLength(5 * KEYS)
      expect(outputs.filter(({ value }) => value.count === 5).every(({ value }) => value.by === 2)).toBe(true)
    } finally {
      await engine.close()
    }
  })

  it('makes outputs with the ids that the other would have made, and its own name as their source', async () => {
    const made = async (ramp: number) => {
      await using run = await testPipeline(graph(ramp))
      await run.send(numbers, data(1), { id: 'the-same', source: 'producer' })
      await run.settled()
      return run.topic(counted).envelopes
    }
    const [before, after] = [await made(0), await made(1)]
    expect(after.map(({ dataId }) => dataId).sort()).toEqual(before.map(({ dataId }) => dataId).sort())
    expect([new Set(before.map(({ source }) => source)), new Set(after.map(({ source }) => source))]).toEqual([
      new Set(['count@1']),
      new Set(['count@2']),
    ])
  })

  it('fails as the other would: into the dead letters of the place', async () => {
    await using run = await testPipeline(graph(1))
    await run.send(numbers, { key: 'k', n: -1 })
    await run.settled()
    expect(run.deadLetters).toMatchObject([{ agent: { name: 'count', version: 1 }, error: { message: 'not for 2' } }])
  })

  it('is known beside the other', () => {
    expect([...versionsOf(graph(0.1)).keys()]).toEqual(['count@1', 'count@2'])
    // Without the other it has everything.
    const alone = pipeline('counts', { agents: [version(2, { replaces: 1, ramp: 0.1 })] })
    expect([...alone.agents.values()]).toMatchObject([{ version: 2, replaces: 1 }])
    expect(alone.agents.get('count@2')).not.toHaveProperty('ramps')
  })

  it('may be a program beside a program', { timeout: 30_000 }, async () => {
    const program = (number: number) =>
      command([
        process.execPath,
        '-e',
        `const say = message => console.log(JSON.stringify(message))
        require('node:readline').createInterface({ input: process.stdin }).on('line', line => {
          const { type, data } = JSON.parse(line)
          if (type === 'hello') say({ type: 'hello', protocol: 1, name: 'test' })
          if (type === 'batch') say({ type: 'results', results: data.map(({ n, data: { key } }) => ({ n, outputs: [{ key, count: 0, by: ${number} }] })) })
          if (type === 'ping') say({ type: 'pong' })
          if (type === 'drain') process.exit()
        })`,
      ])
    const remote = (number: number, options = {}) =>
      remoteAgent('count', { version: number, from: numbers, to: counted, ...options, run: program(number) })
    await using run = await testPipeline(pipeline('counts', { agents: [remote(1), remote(2, { replaces: 1, ramp: 0.5 })] }), {
      patienceMs: 20_000,
    })
    await run.send(numbers, data(1))
    await run.settled()
    const done = Map.groupBy(run.topic(counted).envelopes, ({ source }) => source)
    expect([...done.keys()].sort()).toEqual(['count@1', 'count@2'])
    expect(run.topic(counted).data).toHaveLength(KEYS)
  })

  it('is crashed with the place at which it works', async () => {
    await using run = await testPipeline(graph(0.5))
    await run.send(numbers, data(0))
    await run.crash(version(2, { replaces: 1, ramp: 0.5 }))
    await run.send(numbers, data(1))
    await run.settled()
    expect(run.topic(counted).data).toHaveLength(2 * KEYS)
    await expect(run.crash(version(3))).rejects.toThrow('no agent count@3')
  })
})

describe('a declaration is refused', () => {
  const other = (options: object) =>
    agent('count', { version: 2, replaces: 1, ramp: 0.1, from: numbers, to: counted, by, state, ...options }, () => undefined)

  it('where the two could not work at one place', () => {
    expect(() => other({ ramp: 1.5 })).toThrow('it must be a share from 0 to 1')
    expect(() => other({ replaces: undefined })).toThrow('has a ramp and replaces no version')
    expect(() => pipeline('counts', { agents: [version(1), other({ by: (datum: { n: number }) => String(datum.n) })] })).toThrow(
      'has another by',
    )
    expect(() => pipeline('counts', { agents: [version(1), other({ state: { init: () => 1, update: () => 1 } })] })).toThrow(
      'has another state',
    )
    expect(() => pipeline('counts', { agents: [version(1), other({ window: 3 })] })).toThrow('has another window')
    expect(() => pipeline('counts', { agents: [version(1), other({ to: [counted] })] })).toThrow('has another to')
    expect(() => pipeline('counts', { agents: [version(1), version(2, { replaces: 1 })] })).toThrow('which is still in the pipeline')
    const third = version(3, { replaces: 2, ramp: 0.1 })
    expect(() => pipeline('counts', { agents: [version(1), version(2, { replaces: 1, ramp: 0.1 }), third] })).toThrow(
      "gets a share of another's",
    )
  })
})
