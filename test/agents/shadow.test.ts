import { agent, cache, out, pipeline, remoteAgent, storageAgent, topic } from 'millrace'
import { command } from 'millrace/remote'
import { testPipeline } from 'millrace/testing'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { shadowOf, shadowTarget, shownAgent } from '../../src/agents/shadow.ts'
import { topicSpecs } from '../../src/runtime/topics.ts'
import { ScriptedStore } from '../storage/scripted-store.ts'

const schema = z.object({ station: z.string(), value: z.number() })
const demand = topic('demand', schema, { key: datum => datum.station, partitions: 2 })
const prediction = topic('prediction', schema, { key: datum => datum.station, partitions: 3, retention: '30d' })
const alert = topic('alert', schema, { retention: '1h' })
const latest = cache('latest', schema, { key: value => value.station })

const live = agent('forecast', { version: 1, from: demand, to: [prediction, latest] }, datum => [
  out(prediction, datum),
  out(latest, datum),
])
const shadow = agent('forecast', { version: 2, from: demand, to: [prediction, alert, latest], shadow: true }, datum => {
  if (datum.value < 0) throw Object.assign(new Error('cannot be'), { retryable: false })
  const value = datum.value + 1
  return [out(prediction, { ...datum, value }), out(alert, { ...datum, value }), out(latest, { ...datum, value })]
})
const lake = storageAgent('lake', { version: 1, from: [prediction], to: new ScriptedStore() })
const grid = pipeline('grid', { agents: [live, shadow, lake] })
const apart = (name: string) => grid.topics.get(shadowTarget(shadow, name))!

describe('a shadow', () => {
  it('reads the same data in its own place, and what it writes nobody else sees', async () => {
    await using run = await testPipeline(grid)
    await run.send(demand, [
      { station: 'CE', value: 1 },
      { station: 'CE', value: 5 },
    ])
    await run.settled()
    expect(run.topic(prediction).data.map(({ value }) => value)).toEqual([1, 5])
    expect(run.topic(apart('prediction')).data).toEqual([
      { station: 'CE', value: 2 },
      { station: 'CE', value: 6 },
    ])
    expect(run.topic(apart('prediction')).envelopes[0]).toMatchObject({ source: '_shadow.forecast@2' })
    expect(run.cache(latest).get('CE')).toEqual({ station: 'CE', value: 5 })
    expect(run.cache({ ...latest, name: shadowTarget(shadow, 'latest') }).get('CE')).toEqual({ station: 'CE', value: 6 })
    expect(
      run
        .ledger()
        .rows.filter(row => row.topic === 'demand')
        .map(row => [row.group, row.done]),
    ).toEqual(
      expect.arrayContaining([
        ['forecast@1', 2],
        ['_shadow.forecast@2', 2],
      ]),
    )
  })

  it('marks, buries and is tried again under its own name', async () => {
    await using run = await testPipeline(grid)
    const [receipt] = await run.send(demand, { station: 'CE', value: -1 })
    await run.settled()
    expect(run.deadLetters).toMatchObject([{ agent: { name: '_shadow.forecast', version: 2 }, state: 'dead' }])
    const marks = (await run.trace(receipt!.dataId))!.marks.map(({ name, version, state }) => ({ name, version, state }))
    expect(marks).toEqual(
      expect.arrayContaining([
        { name: 'forecast', version: 1, state: 'done' },
        { name: '_shadow.forecast', version: 2, state: 'dead' },
      ]),
    )
    await run.replay()
    await run.settled()
    expect(run.deadLetters).toMatchObject([{ state: 'dead', replays: 1 }])
    expect(run.topic(prediction).data).toHaveLength(1)
  })

  it('has topics like the live ones, kept for a day at most, and no producer may send to them', () => {
    expect(apart('prediction').spec).toEqual({ name: '_shadow.forecast@2.prediction', partitions: 3, retentionMs: 86_400_000 })
    expect(apart('alert').spec.retentionMs).toBe(3_600_000)
    expect(grid.entries).toEqual([demand])
    // The alert is a topic once somebody writes it: until the shadow is promoted nobody does.
    expect([...grid.topics.keys()]).not.toContain('alert')
    expect(topicSpecs(grid).map(({ name }) => name)).toContain('_replay._shadow.forecast@2')
    expect(shownAgent(shadowOf(shadow))).toBe('forecast@2 (shadow)')
  })

  it('is crashed by the declaration, as any other agent', async () => {
    await using run = await testPipeline(grid)
    await run.send(demand, { station: 'CE', value: 1 })
    await run.crash(shadow)
    await run.settled()
    expect(run.topic(apart('prediction')).data).toEqual([{ station: 'CE', value: 2 }])
  })

  it('that is a program is told the names that it will have to know when it is live', async () => {
    const program = `let hello
      const { createInterface } = require('node:readline'), say = message => console.log(JSON.stringify(message))
      createInterface({ input: process.stdin }).on('line', line => {
        const message = JSON.parse(line)
        if (message.type === 'hello') say({ type: 'hello', protocol: message.protocol, name: 'test' }), hello = message
        if (message.type === 'batch') say({ type: 'results', results: message.data.map(({ n }) => ({ n, outputs: [
          { to: 'prediction', value: { station: hello.agent + '@' + hello.version + ' of ' + process.env.MILLRACE_AGENT + ' to ' + hello.targets, value: 1 } } ] })) })
        if (message.type === 'ping') say({ type: 'pong' })
        if (message.type === 'drain') process.exit()
      })`
    const mood = remoteAgent('mood', {
      version: 7,
      from: demand,
      to: [prediction],
      shadow: true,
      run: command([process.execPath, '-e', program]),
    })
    const moods = pipeline('moods', { agents: [mood] })
    await using run = await testPipeline(moods, { patienceMs: 20_000 })
    await run.send(demand, { station: 'CE', value: 1 })
    await run.settled()
    expect(run.topic(moods.topics.get(shadowTarget(mood, 'prediction'))!).data).toEqual([
      { station: 'mood@7 of mood@7 to prediction', value: 1 },
    ])
  })
})

describe('a declaration is refused', () => {
  it('where a shadow would take over a place, or a storage agent be one', () => {
    expect(() => agent('forecast', { version: 2, replaces: 1, shadow: true, from: demand }, () => undefined)).toThrow(
      'a shadow has a place of its own',
    )
    // @ts-expect-error: what a storage agent stores cannot be kept apart.
    expect(() => storageAgent('lake', { version: 1, from: demand, shadow: true, to: new ScriptedStore() })).toThrow('cannot be a shadow')
  })

  it('where what is tried as a shadow could not be promoted', () => {
    const rival = topic('prediction', schema)
    const other = agent('forecast', { version: 2, from: demand, to: rival, shadow: true }, datum => datum)
    expect(() => pipeline('grid', { agents: [live, other] })).toThrow("uses a topic 'prediction' that is not the one declared before")
    const again = agent('forecast', { version: 1, from: demand, to: prediction, shadow: true }, datum => datum)
    expect(() => pipeline('grid', { agents: [live, again] })).toThrow('Two agents are both forecast@1')
    const round = agent('round', { version: 1, from: demand, to: demand, shadow: true }, datum => datum)
    expect(() => pipeline('grid', { agents: [round] })).toThrow('cycle with no way out')
  })
})
