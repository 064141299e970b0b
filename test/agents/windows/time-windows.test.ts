import fc from 'fast-check'
import { agent, cache, hopping, pipeline, session, testPipeline, topic, tumbling } from 'millrace'
import { describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import type { Handler } from '../../../src/agents/agent.ts'
import { Outputs } from '../../../src/agents/outputs.ts'
import { ReadyOutputs } from '../../../src/agents/ready-outputs.ts'
import { runAgent } from '../../../src/agents/runner.ts'
import { systemClock } from '../../../src/clock.ts'
import { openInMemory } from '../../../src/engine/embedded/index.ts'
import type { Engine, Snapshot } from '../../../src/engine/engine.ts'
import { FrameCursor } from '../../../src/envelope/frame.ts'
import { RouteTable } from '../../../src/frontend/routes.ts'
import { silentRecorder } from '../../../src/instrumentation/recorder.ts'
import { partitionOfKey } from '../../../src/stream/partition.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { send as sendTo } from '../../../src/testing/send.ts'
import type { TestRun } from '../../../src/testing/test-run.ts'
import { lineage } from '../../../src/trace/lineage.ts'
import { sceneOf } from '../scene.ts'
import { byEnd, type Dated, type Expected, fixedWindows } from './reference.ts'
import { ENGINES, runOn } from './runs.ts'

const START_MS = Date.UTC(2026, 0, 1)
const readings = topic('readings', z.object({ key: z.string(), n: z.number() }), { key: d => d.key, partitions: 2 })
const windowed = z.object({ key: z.string(), startMs: z.number(), endMs: z.number(), of: z.array(z.number()) })
const hours = topic('hours', windowed, { key: d => d.key, partitions: 2 })
const late = topic('late', readings.schema, { key: d => d.key, partitions: 1 })
const by = (datum: { key: string }) => datum.key

const told = ({ key, startMs, endMs, data }: { key: string; startMs: number; endMs: number; data: readonly { n: number }[] }) => ({
  ...{ key, startMs, endMs },
  of: data.map(({ n }) => n),
})
const hourly = agent('hourly', { version: 1, from: readings, to: hours, by, window: tumbling('1h', { lateness: '5m' }) }, told)

/** Sends data created so many minutes after the beginning, each by itself, so that they come in this order. */
async function send(run: TestRun, data: readonly (readonly [key: string, n: number, minute: number])[]) {
  const receipts = []
  for (const [key, n, minute] of data) receipts.push(...(await run.send(readings, { key, n }, { createdMs: START_MS + minute * 60_000 })))
  await run.settled()
  return receipts.map(({ dataId }) => dataId)
}

test('a window is handed over once the data have passed its end by their lateness, with its data in the order of their time', async () => {
  await using run = await testPipeline(pipeline('p', { agents: [hourly] }))
  await run.clock.advance('2h')
  await send(run, [
    ['a', 1, 30],
    ['a', 2, 10],
    ['a', 3, 64],
    ['a', 4, 59],
  ])
  expect(run.topic(hours).data).toEqual([])
  await send(run, [['a', 5, 65]])
  expect(run.topic(hours).data).toEqual([{ key: 'a', startMs: START_MS, endMs: START_MS + 3_600_000, of: [2, 1, 4] }])
})

test('what the pipeline makes of it shows: an agent of its own, a topic of its own, and parents all the way', async () => {
  const graph = pipeline('p', { agents: [hourly] })
  expect([...graph.agents.keys()]).toEqual(['hourly.windows@1', 'hourly@1'])
  expect([...graph.topics.keys()]).toEqual(['readings', '_windows.hourly@1', 'hours'])
  await using run = await testPipeline(graph)
  await run.clock.advance('2h')
  const ids = await send(run, [
    ['a', 1, 30],
    ['a', 2, 10],
    ['a', 3, 65],
  ])
  const [output] = run.topic(hours).envelopes
  const window = await run.trace(output!.parents![0]!)
  expect(window).toMatchObject({ source: 'hourly.windows@1', parents: [ids[1], ids[0]] })
  expect(await run.trace(output!.dataId)).toMatchObject({ source: 'hourly@1', parents: [window!.dataId] })
})

test('late data go to the topic that is named for them, and to no dead letter', async () => {
  const told2 = agent('hourly', { version: 1, from: readings, to: hours, by, window: tumbling('1h', { lateness: 0, late }) }, told)
  await using run = await testPipeline(pipeline('p', { agents: [told2] }))
  await run.clock.advance('2h')
  await send(run, [
    ['a', 1, 30],
    ['a', 2, 60],
    ['a', 3, 59],
  ])
  expect(run.topic(late).data).toEqual([{ key: 'a', n: 3 }])
  expect([run.topic(hours).data.map(({ of }) => of), run.deadLetters]).toEqual([[[1]], []])
})

test('without one they are dead letters that say which window, the watermark and what to do; put again they are dead again', async () => {
  await using run = await testPipeline(pipeline('p', { agents: [hourly] }))
  await run.clock.advance('2h')
  await send(run, [
    ['a', 1, 30],
    ['a', 2, 65],
    ['a', 3, 31],
  ])
  const [letter] = run.deadLetters
  expect(letter).toMatchObject({ agent: { name: 'hourly.windows', version: 1 }, error: { code: 'WINDOW_CLOSED' } })
  expect(letter!.error.message).toMatch(
    /The datum of 2026-01-01T00:31.* is late: its window \[2026-01-01T00:00:00.000Z, 2026-01-01T01:00:00.000Z\) of "a" is closed, for the watermark stands at 2026-01-01T01:00:00.000Z\. Raise the windows' lateness, now 300000 ms/,
  )
  await run.replay()
  await run.settled()
  expect(run.deadLetters).toMatchObject([{ state: 'dead', replays: 1, error: { message: expect.stringContaining('put again') } }])
  expect(run.topic(hours).data).toHaveLength(1)
})

test('a window whose handler fails is tried again, then one dead letter that holds it whole, and is replayed', async () => {
  let works = false
  const fails = agent(
    'fails',
    { version: 1, from: readings, to: hours, by, window: tumbling('1h', { lateness: 0 }), retry: { attempts: 2 } },
    window => {
      if (!works) throw new Error('not yet')
      return told(window)
    },
  )
  await using run = await testPipeline(pipeline('p', { agents: [fails] }))
  await run.clock.advance('2h')
  await send(run, [
    ['a', 1, 30],
    ['a', 2, 40],
    ['a', 3, 60],
  ])
  await run.clock.advance('1m')
  expect(run.deadLetters).toMatchObject([{ agent: { name: 'fails' }, attempts: 2, topic: '_windows.fails@1' }])
  works = true
  await run.replay()
  await run.settled()
  expect(run.topic(hours).data).toMatchObject([{ of: [1, 2] }])
})

test('a state takes the place of the data, and what the schema made of them stays as it is', async () => {
  const dated = topic('dated', z.object({ key: z.string(), at: z.string().transform(text => new Date(text)) }), { key: d => d.key })
  const last = cache('last', z.object({ key: z.string(), count: z.number(), last: z.string() }), { key: d => d.key })
  const kept = agent(
    'kept',
    {
      ...{ version: 1, from: dated, to: last, by: (d: { key: string }) => d.key, window: tumbling('1h', { lateness: 0 }) },
      state: { init: () => new Date(0), update: (state, datum) => new Date(Math.max(Number(state), Number(datum.at))) },
    },
    ({ key, state, count }) => ({ key, count, last: state.toISOString() }),
  )
  const first = topic('first', z.object({ at: z.string() }))
  const data = agent(
    'data',
    { version: 1, from: dated, to: first, by: d => d.key, window: tumbling('1h', { lateness: 0 }) },
    ({ data: [d] }) => ({
      at: d!.at.toISOString(),
    }),
  )
  await using run = await testPipeline(pipeline('p', { agents: [kept, data] }))
  await run.clock.advance('2h')
  const at = (minute: number) => new Date(START_MS + minute * 60_000).toISOString()
  for (const minute of [10, 30, 20, 61]) await run.send(dated, { key: 'a', at: at(minute) }, { createdMs: START_MS + minute * 60_000 })
  await run.settled()
  expect(run.cache(last).get('a')).toEqual({ key: 'a', count: 3, last: at(30) })
  expect(run.topic(first).data).toEqual([{ at: at(10) }])
})

test('sessions last as long as their data follow each other', async () => {
  const visits = agent('visits', { version: 1, from: readings, to: hours, by, window: session('30m', { lateness: '1h' }) }, told)
  await using run = await testPipeline(pipeline('p', { agents: [visits] }))
  await run.clock.advance('1d')
  await send(run, [
    ['a', 1, 0],
    ['a', 2, 50],
    ['a', 3, 25],
    ['a', 4, 81],
    ['a', 5, 600],
  ])
  expect(run.topic(hours).data.map(({ startMs, endMs, of }) => [(startMs - START_MS) / 60_000, (endMs - START_MS) / 60_000, of])).toEqual([
    [0, 80, [1, 3, 2]],
    [81, 111, [4]],
  ])
})

test('a snapshot saves reading the log again, and what was open in it closes as if nothing had happened', async () => {
  const read: Snapshot[] = []
  const graph = pipeline('p', { agents: [hourly] })
  await using run = await sceneOf(graph, engine => ({
    async snapshot(group, place) {
      const found = await engine.snapshot(group, place)
      if (found !== undefined && found.offset > 0) read.push(found)
      return found
    },
  }))
  await run.clock.advance('2h')
  await send(run, [
    ['a', 1, 30],
    ['a', 2, 10],
  ])
  await run.clock.advance('2h')
  await run.crash(hourly)
  await send(run, [['a', 3, 65]])
  expect(read.map(({ group, offset }) => [group, offset])).toEqual([['hourly.windows@1', 2]])
  expect(run.topic(hours).data).toMatchObject([{ of: [2, 1] }])
})

test('where a datum is goes on through windows, and the front end takes nothing for the topic between', async () => {
  const graph = pipeline('p', { agents: [hourly] })
  let engine: Engine | undefined
  await using run = await sceneOf(graph, own => {
    engine = own
    return {}
  })
  await run.clock.advance('2h')
  const ids = await send(run, [
    ['a', 1, 30],
    ['b', 2, 65],
    ['a', 3, 65],
  ])
  const [output] = run.topic(hours).envelopes
  const found = await lineage(engine!, ids[0]!, { gathering: new Map([['hourly.windows@1', ['_windows.hourly@1']]]) })
  expect(found?.data.map(({ topic: name }) => name)).toEqual(['readings', '_windows.hourly@1', 'hours'])
  expect(found?.data.at(-1)?.dataId).toBe(output!.dataId)
  expect(() => new RouteTable(graph).route('_windows.hourly@1')).toThrow(expect.objectContaining({ code: 'TOPIC_UNKNOWN' }))
})

test.each([
  [9, 'with what they hold', { data: [{ key: 'a', n: 10 }] }],
  [10, 'without it', { unfit: expect.stringContaining('could not be put out in 10 attempts') }],
])('windows whose closing datum has ended %i threads are put out %s, and the datum holds up nothing', async (attempts, _, content) => {
  const graph = pipeline('p', { agents: [hourly] })
  const engine = await openInMemory()
  await engine.ensure([...graph.topics.values()].map(({ spec }) => spec))
  for (const minute of [10, 65, 70])
    await sendTo(engine, readings, [{ key: 'a', n: minute }], START_MS + 7_200_000, { createdMs: START_MS + minute * 60_000 })
  const partition = partitionOfKey('a', 2)
  const reason = { name: 'Error', message: 'The thread died.' }
  const own = graph.agents.get('hourly.windows@1')
  if (own?.kind !== 'agent') throw new TypeError('It is an agent.')
  const context = { engine, clock: systemClock, recorder: silentRecorder }
  const running = runAgent(own, context, { suspects: [{ topic: 'readings', partition, offset: 1, attempts, reason }] })
  await eventually(
    'all are done',
    async () =>
      (await engine.standings()).some(({ topic: name, checkpoint }) => name === 'readings' && checkpoint.offset === 3) || undefined,
  )
  await running.stop(1_000)
  const read = await engine.read('_windows.hourly@1', partition, 0, 1_000_000)
  const cursor = new FrameCursor(read.frames, read.ascii)
  expect([read.count, cursor.next()]).toEqual([1, true])
  expect(JSON.parse(Buffer.from(cursor.envelope('_windows.hourly@1').data).toString())).toEqual({
    ...{ key: 'a', startMs: START_MS, endMs: START_MS + 3_600_000 },
    ...content,
  })
  expect(await engine.letters.list({ limit: 1 })).toEqual([])
  await engine.close()
})

test('a window that is put out without what it held is a dead letter of the agent, which says so', async () => {
  const graph = pipeline('p', { agents: [hourly] })
  const windows = graph.agents.get('hourly.windows@1')
  const handler = windows?.kind === 'agent' ? windows.handler : undefined
  if (handler === undefined) throw new TypeError('It has a handler.')
  let calls = 0
  Object.assign(windows!, {
    handler: ((datum, context) => {
      const outputs = handler(datum, context)
      if (outputs !== undefined && ++calls <= 10) throw new Error('no memory')
      return outputs
    }) satisfies Handler,
  })
  await using run = await testPipeline(graph)
  await run.clock.advance('2h')
  await send(run, [
    ['a', 1, 30],
    ['a', 2, 65],
  ])
  await run.clock.advance('5m')
  expect(run.deadLetters).toMatchObject([
    {
      agent: { name: 'hourly' },
      error: { message: expect.stringContaining('This window cannot be passed on: it could not be put out in 10') },
    },
  ])
})

test('a window of many megabytes in all goes out in batches that the stream takes', () => {
  const outputs = new Outputs(hourly, 1)
  const id = Buffer.alloc(16, 1)
  const of = Array.from({ length: 100 }, (_, i) => ({
    key: 'a',
    text: `{"of":"${'x'.repeat(100_000)}"}`,
    cause: Buffer.alloc(16, i),
    parents: id,
  }))
  const staged = outputs.stage(new ReadyOutputs(of))
  if (staged instanceof Promise) throw new TypeError('It should not wait here.')
  outputs.write(staged, { id, idAt: 0, parents: id, supplied: false, appendedMs: 0 }, 1, () => {})
  const batches = outputs.take()
  expect(batches.reduce((sum, { count }) => sum + count, 0)).toBe(100)
  expect(Math.max(...batches.map(({ frames }) => frames.length))).toBeLessThanOrEqual(512 * 1024)
  const order = batches.flatMap(({ frames }) => {
    const cursor = new FrameCursor(frames)
    const found: number[] = []
    while (cursor.next()) found.push(cursor.bytes[cursor.idAt]!)
    return found
  })
  expect(order).toEqual(Array.from({ length: 100 }, (_, i) => i))
  expect(outputs.take()).toEqual([])
})

describe('versions', () => {
  const window = tumbling('1h', { lateness: 0 })
  const of = (version: number, replaces?: number) =>
    agent('hourly', { version, from: readings, to: hours, by, window, ...(replaces === undefined ? {} : { replaces }) }, told)

  it('share their windows, where they are of the same constants', () => {
    const graph = pipeline('p', { agents: [of(1), of(2)] })
    expect([...graph.agents.keys()]).toEqual(['hourly.windows@1', 'hourly@1', 'hourly@2'])
  })

  it('are told to have windows of their own where they are not', () => {
    const other = agent('hourly', { version: 2, from: readings, by, window: tumbling('1h') }, () => undefined)
    expect(() => pipeline('p', { agents: [of(1), other] })).toThrow(/'hourly@1' and 'hourly@2' share their windows.*version: 2 in tumbling/)
    const apart = agent('hourly', { version: 2, from: readings, by, window: tumbling('1h', { version: 2 }) }, () => undefined)
    expect([...pipeline('p', { agents: [of(1), apart] }).agents.keys()]).toContain('hourly.windows@2')
  })
})

describe.each(ENGINES)('on %s', (_, open) => {
  const minutely = agent(
    'minutely',
    { version: 1, from: readings, to: hours, by, window: hopping('60s', { every: '20s', lateness: '30s', late }) },
    told,
  )
  const graph = pipeline('p', { agents: [minutely] })

  it('windows of any data are what the whole log says, each once, with crashes anywhere', { timeout: 120_000 }, async () => {
    const step = fc.record({
      key: fc.constantFrom('a', 'b', 'c', 'd'),
      stepMs: fc.integer({ min: 0, max: 20_000 }),
      backMs: fc.oneof(fc.integer({ min: 0, max: 30_000 }), fc.integer({ min: 0, max: 120_000 })),
      crashes: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constantFrom('at once', 'settled')),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 50 }), async steps => {
        await using run = await runOn(open, graph)
        await run.clock.advance('1h')
        const logs: Dated[][] = [[], []]
        let nowMs = START_MS
        for (const [n, { key, stepMs, backMs, crashes }] of steps.entries()) {
          nowMs += stepMs
          const createdMs = nowMs - backMs
          logs[partitionOfKey(key, 2)]!.push({ n, key, createdMs })
          await run.send(readings, { key, n }, { createdMs })
          if (crashes === 'settled') await run.settled()
          if (crashes !== undefined) await run.crash(minutely)
        }
        // An agent whose units were cut off waits before it joins again.
        await run.clock.advance('1m')
        const expected = logs.map(log => fixedWindows(log, 60_000, 20_000, 30_000))
        expect(distinct(run, hours)).toEqual(expected.flatMap(({ closed }) => closed).sort(byEnd))
        expect(lateOf(run)).toEqual(expected.flatMap(({ late: numbers }) => numbers).sort((a, b) => a - b))
        expect(run.deadLetters).toEqual([])
        expect(run.ledger().balanced).toBe(true)
      }),
      { numRuns: 15 },
    )
  })

  /** An engine that is cut off may have an output twice, under one id, and then both are the same. */
  function distinct(run: TestRun, of: typeof hours): Expected[] {
    const { data, envelopes } = run.topic(of)
    const byId = new Map(envelopes.map(({ dataId }, i) => [dataId, data[i]!]))
    for (const [i, { dataId }] of envelopes.entries()) expect(data[i]).toEqual(byId.get(dataId))
    return [...byId.values()].sort(byEnd)
  }

  function lateOf(run: TestRun): number[] {
    const { data, envelopes } = run.topic(late)
    return [...new Map(envelopes.map(({ dataId }, i) => [dataId, data[i]!.n])).values()].sort((a, b) => a - b)
  }
})
