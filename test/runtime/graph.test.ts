import { agent, bytes, pipeline, topic, tumbling } from 'millrace'
import { describe, expect, it } from 'vitest'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import type { Pipeline } from '../../src/pipeline.ts'
import { Graph } from '../../src/runtime/graph.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { topicSpecs } from '../../src/runtime/topics.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import type { Decision } from '../../src/versions/decision.ts'
import { UNDECIDED, type Versions } from '../../src/versions/fold.ts'
import { VersionLog } from '../../src/versions/log.ts'

const demand = topic('demand', bytes(), { partitions: 1 })
const prediction = topic('prediction', bytes(), { partitions: 1 })
const version = (number: number, options: { shadow?: boolean; replaces?: number; ramp?: number } = {}) =>
  agent('forecast', { version: number, from: demand, to: prediction, ...options }, datum => datum)
const other = agent('other', { version: 1, from: demand }, () => undefined)
const declared = pipeline('grid', { agents: [version(1), version(2, { shadow: true }), other] })
const who = { by: 'ann@desk', atMs: 1 }
const promote: Decision = { kind: 'promote', agent: 'forecast', version: 2, replaces: 1, ...who }
const drain: Decision = { kind: 'decommission', group: 'other@1', until: { demand: [0] }, ...who }

/** A graph that runs on an engine in memory, with a supervisor that notes what it is told, and a second process that decides. */
async function scene(running: Pipeline = declared, known: Versions = UNDECIDED) {
  const clock = new VirtualClock()
  const engine = await openInMemory({ clock: clock.background })
  await engine.ensure(topicSpecs(running))
  const exchanged: { readonly to: string[]; readonly stay: string[]; readonly versions: number }[] = []
  const errors: string[] = []
  const infos: string[] = []
  let fails: Error | undefined
  const graph: Graph = new Graph(running, known, {
    ...{ file: 'pipeline.ts', engine, clock, decisions: new VersionLog(engine), drainMs: 5_000 },
    supervisor: {
      async exchange(_file, next, _drainMs, between, stays = () => false) {
        const to = [...next.agents.keys()]
        exchanged.push({ to, stay: to.filter(stays), versions: graph.versions.promoted.size })
        if (fails !== undefined) throw fails
        await between?.()
      },
    },
    ensure: topics => engine.ensure(topics),
    use: () => undefined,
    log: { ...silentLog, error: text => void errors.push(text), info: text => void infos.push(text) },
  })
  return {
    ...{ graph, clock, engine, exchanged, errors, infos },
    decide: (decision: Decision) => new VersionLog(engine).append(engine, decision),
    /** Gives groups a place each. */
    async stand(...groups: readonly string[]) {
      for (const name of groups) {
        const subscription = engine.subscribe({ name, edition: 1 }, ['demand'], 'earliest')
        await subscription[Symbol.asyncIterator]().next()
        await subscription.close()
      }
    },
    failWith(error: Error | undefined) {
      fails = error
    },
    async [Symbol.asyncDispose]() {
      await graph.close()
      await engine.close()
    },
  }
}

describe('the graph', () => {
  it('follows what another process has decided, and exchanges those alone that it concerns', async () => {
    await using at = await scene()
    await at.graph.look()
    expect(at.exchanged).toEqual([])
    expect(await at.decide(promote)).toBeUndefined()
    await at.graph.look()
    // Threads that start meanwhile apply the decision.
    expect(at.exchanged).toEqual([{ to: ['forecast@2', 'other@1'], stay: ['other@1'], versions: 1 }])
    expect([...at.graph.running.agents.keys()]).toEqual(['forecast@2', 'other@1'])
    await at.graph.look()
    expect(at.exchanged).toHaveLength(1)
  })

  it('runs on as it was where a decision cannot be followed, says so once, and tries it again after a while', async () => {
    await using at = await scene()
    at.failWith(new Error('it does not load'))
    await at.decide(promote)
    for (let look = 0; look < 3; look++) await at.graph.look()
    expect(at.errors).toEqual(['What was decided about versions is not followed yet: it does not load'])
    expect(at.exchanged).toHaveLength(1)
    expect(at.graph.running).toBe(declared)
    // One that has to be started anew is started as it ran.
    expect(at.graph.versions.promoted.size).toBe(0)

    await at.clock.advance('10s')
    await at.graph.look()
    expect([at.exchanged.length, at.errors.length]).toEqual([2, 1])
    at.failWith(undefined)
    await at.clock.advance('10s')
    await at.graph.look()
    expect([...at.graph.running.agents.keys()]).toEqual(['forecast@2', 'other@1'])
  })

  it('applies what was decided to what the file declares next', async () => {
    await using at = await scene()
    await at.decide(promote)
    await at.graph.look()
    const next = pipeline('grid', { agents: [version(1), version(2, { shadow: true }), version(3, { shadow: true })] })
    await at.graph.declare(next, 400)
    expect(at.exchanged.at(-1)).toMatchObject({ to: ['forecast@2', '_shadow.forecast@3'], stay: [] })
  })

  it('ends an agent that drains once it has, also one that another file declares', async () => {
    await using at = await scene()
    await at.stand('elsewhere@1')
    await at.decide(drain)
    await at.decide({ ...drain, group: 'removed@1' })
    await at.decide({ ...drain, group: 'elsewhere@1', until: { demand: [3] } })
    await at.graph.look()
    // It has seen that they drain, and next that they have.
    await at.graph.look()
    expect([...at.graph.running.agents.keys()]).toEqual(['forecast@1', '_shadow.forecast@2'])
    const { ended } = await new VersionLog(at.engine).read()
    expect([...ended].map(([group, { state }]) => [group, state])).toEqual([
      ['other@1', 'decommissioned'],
      ['removed@1', 'decommissioned'],
      // It is at work in a process whose file has it.
      ['elsewhere@1', 'draining'],
    ])
    await at.stand('gone@1')
    await expect(at.graph.decide({ kind: 'decommission', agent: 'gone@1', now: false }, 'ann')).rejects.toThrow('gone@1 --now')
    await at.graph.decide({ kind: 'decommission', agent: 'elsewhere@1', now: true }, 'ann')
    expect((await new VersionLog(at.engine).read()).ended.get('elsewhere@1')).toMatchObject({ state: 'decommissioned' })
  })

  it('exchanges what gathers windows where these are those of a shadow alone from then on', async () => {
    const late = topic('late', bytes(), { partitions: 1 })
    const window = tumbling('1h', { late })
    const by = () => 'all'
    const hour = (number: number, shadow: boolean) =>
      agent('hourly', { version: number, from: demand, by, window, shadow }, () => undefined)
    await using at = await scene(pipeline('grid', { agents: [hour(1, false), hour(2, true), other] }))
    await at.decide({ kind: 'decommission', group: 'hourly@1', ...who })
    await at.graph.look()
    expect(at.exchanged).toMatchObject([{ to: ['hourly.windows@1', '_shadow.hourly@2', 'other@1'], stay: ['_shadow.hourly@2', 'other@1'] }])
  })

  it('says where a share of the keys was decided and the file has another, once and at each start', async () => {
    const ramped = pipeline('grid', { agents: [version(1), version(2, { replaces: 1, ramp: 0.1 }), other] })
    await using at = await scene(ramped)
    const ramp: Decision = { kind: 'ramp', agent: 'forecast', version: 2, share: 0.5, ...who }
    await at.decide(ramp)
    await at.graph.look()
    const text = expect.stringMatching(/^forecast@2 gets 50 % of the keys, as was decided: the ramp in the pipeline file, 10 %, no longer/)
    expect(at.infos).toEqual([text])
    await at.decide({ kind: 'decommission', group: 'other@1', ...who })
    await at.graph.look()
    expect(at.infos.filter(said => said.includes('50 %'))).toEqual([text])
    await using again = await scene(ramped, await new VersionLog(at.engine).read())
    expect(again.infos).toEqual([text])
    await at.decide({ ...ramp, share: 0.1 })
    await using silent = await scene(ramped, await new VersionLog(at.engine).read())
    expect(silent.infos).toEqual([])
  })

  it('decides nothing that its file excludes, and follows everything else where it was decided elsewhere', async () => {
    const ramped = [version(1), version(2, { replaces: 1, ramp: 0.1 }), version(3, { shadow: true }), other]
    const chained = [version(1), version(2, { shadow: true }), version(3, { replaces: 2 }), other]
    for (const [agents, next, why] of [
      [ramped, 3, 'both replace forecast@1'],
      [chained, 2, 'replaces forecast@2, which is still in the pipeline'],
    ] as const) {
      await using at = await scene(pipeline('grid', { agents }))
      await at.stand('forecast@1', `_shadow.forecast@${next}`)
      const wish = { kind: 'promote', agent: `forecast@${next}`, replaces: 1 } as const
      await expect(at.graph.decide(wish, 'ann')).rejects.toMatchObject({ code: 'VERSION_REFUSED', message: expect.stringContaining(why) })
      expect((await new VersionLog(at.engine).read()).promoted.size).toBe(0)

      const running = [...at.graph.running.agents.keys()].filter(id => id !== 'other@1')
      await at.decide({ ...promote, version: next })
      await at.decide({ kind: 'decommission', group: 'other@1', ...who })
      await at.graph.look()
      expect([...at.graph.running.agents.keys()]).toEqual(running)
      expect(at.errors).toEqual([expect.stringContaining(`What was decided about forecast@${next} is not followed`)])
      // So it is after a restart.
      await using again = await scene(pipeline('grid', { agents }), await new VersionLog(at.engine).read())
      expect([...again.graph.running.agents.keys()]).toEqual(running)
      expect(again.errors).toEqual([expect.stringContaining(why)])
      // What else is decided can still be.
      await at.stand('other@1')
      await at.graph.decide({ kind: 'recommission', agent: 'other@1' }, 'ann')
      await at.graph.look()
      expect([...at.graph.running.agents.keys()]).toEqual([...running, 'other@1'])
    }
  })

  it('promotes nothing that it does not declare', async () => {
    await using at = await scene()
    await expect(at.graph.decide({ kind: 'promote', agent: 'forecast@3' }, 'ann')).rejects.toThrow('declares no forecast@3')
    await expect(at.graph.decide({ kind: 'ramp', agent: 'forecast@2', share: 0.5 }, 'ann')).rejects.toThrow('gets no share')
  })
})
