import { agent, bytes, pipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import type { ProcessFacts, ReplicaFacts } from '../../src/instrumentation/replica.ts'
import { listen } from '../console/ops.ts'

const demand = topic('demand', bytes(), { partitions: 1 })
const forecast = agent('forecast', { version: 2, from: demand }, () => undefined)
const grid = pipeline('grid', { agents: [forecast] })

const replica: ReplicaFacts = { state: 'running', sinceMs: 0, restarts: 0, inHand: [], failing: [], loop: 0 }
const process: ProcessFacts = { replicas: [replica], wanted: 1, most: 1, ofPrograms: false, suspects: [] }

/** How forecast@2 is, as operators hear of it. */
async function scene(watched: ProcessFacts | undefined) {
  const ops = await listen(['demand'], { pipeline: grid, runsHere: () => watched !== undefined })
  const watch = { process: watched }
  ops.instruments.watch(() => watch.process)
  return {
    ops,
    watch,
    diagnosis: async () => (await ops.get('/v1/agents')).json.agents[0].diagnosis as Record<string, unknown>,
    [Symbol.asyncDispose]: () => ops[Symbol.asyncDispose](),
  }
}

test('a datum that is in hand is named by its id, looked up once', async () => {
  await using seen = await scene(process)
  const ids = await seen.ops.scene.send('demand', 'k', 'a', 'b', 'c')
  await seen.ops.scene.clock.advance('20s')
  const startedMs = seen.ops.scene.clock.now() - 16_000
  const inHand = [{ topic: 'demand', partition: 0, offset: 1, attempt: 1, startedMs, current: true }]
  seen.watch.process = { ...process, replicas: [{ ...replica, inHand }] }
  let reads = 0
  const { engine } = seen.ops.scene
  const read = engine.read.bind(engine)
  engine.read = (...args) => {
    reads++
    return read(...args)
  }
  for (let asked = 0; asked < 3; asked++) {
    expect(await seen.diagnosis()).toEqual({
      state: 'hung',
      words: `hung on ${ids[1]} for 16 s`,
      topic: 'demand',
      partition: 0,
      offset: 1,
      data_id: ids[1],
    })
  }
  expect(reads).toBe(1)
})

test('a datum that has ended threads is told of until the agent is past it', async () => {
  const suspects = [{ topic: 'demand', partition: 0, offset: 1, attempts: 3, reason: 'out of memory' }]
  await using seen = await scene({ ...process, suspects })
  const ids = await seen.ops.scene.send('demand', 'k', 'a', 'b')
  await seen.ops.scene.work(forecast, ['demand'], () => [], { most: 1 })
  expect(await seen.diagnosis()).toMatchObject({ state: 'poisoned', data_id: ids[1], words: expect.stringContaining('out of memory') })
  await seen.ops.scene.work(forecast, ['demand'], () => [])
  await seen.ops.scene.clock.advance('1s')
  expect(await seen.diagnosis()).toEqual({ state: 'healthy', words: 'healthy' })
})

test('of what most data fail with the commonest is told, whatever numbers are in it', async () => {
  await using seen = await scene(process)
  await seen.ops.scene.send('demand', 'k', ...Array.from({ length: 10 }, (_, n) => String(n)))
  await seen.ops.scene.work(forecast, ['demand'], datum => new Error(Number(datum.data) < 4 ? 'no station' : `no row ${datum.data}`))
  const fact = { agent: 'forecast', version: 2, topic: 'demand', partition: 0, done: 0, dead: 10, duplicate: 0, lost: 0 }
  seen.ops.instruments.work({ ...fact, retries: 0, outputs: 0, queueMs: 0, handlerMs: 1, busyMs: 1, commitMs: 1 })
  expect((await seen.diagnosis()).words).toBe('poisoned: 10 of the last 10 data failed: Error: no row 9')
})

test('an agent is poisoned by the version that gets a share of its keys, however little of the whole that is', async () => {
  const next = agent('forecast', { version: 3, replaces: 2, ramp: 0.01, from: demand }, () => undefined)
  await using ops = await listen(['demand'], { pipeline: pipeline('grid', { agents: [forecast, next] }) })
  ops.instruments.watch(() => process)
  const fact = { agent: 'forecast', topic: 'demand', partition: 0, duplicate: 0, lost: 0, retries: 0, outputs: 0 }
  const times = { queueMs: 0, handlerMs: 1, busyMs: 1, commitMs: 1 }
  ops.instruments.work({ ...fact, ...times, version: 2, done: 990, dead: 0 })
  ops.instruments.work({ ...fact, ...times, version: 3, done: 0, dead: 10 })
  const [place] = (await ops.get('/v1/agents')).json.agents
  expect(place.diagnosis).toMatchObject({ state: 'poisoned', words: 'poisoned: 10 of the last 10 data failed' })
})

test('an agent that nobody runs is without a process, also where nobody ever has, until somebody takes its data', async () => {
  await using seen = await scene(undefined)
  await seen.ops.scene.send('demand', 'k', 'a', 'b')
  expect((await seen.diagnosis()).state).toBe('healthy')
  await seen.ops.scene.clock.advance('31s')
  expect(await seen.diagnosis()).toMatchObject({ state: 'no_process', words: expect.stringMatching(/^no process: 2 data wait/) })
  await seen.ops.scene.work(forecast, ['demand'], () => [], { most: 1 })
  await seen.ops.scene.clock.advance('1s')
  expect((await seen.diagnosis()).state).toBe('healthy')
  await seen.ops.scene.clock.advance('31s')
  expect((await seen.diagnosis()).state).toBe('no_process')
})

test('what waits more and more is told from what is being caught up with', async () => {
  await using seen = await scene(process)
  const busy = { agent: 'forecast', version: 2, topic: 'demand', partition: 0, done: 1, dead: 0, duplicate: 0, lost: 0 }
  await seen.ops.scene.work(forecast, ['demand'], () => [])
  for (let second = 0; second < 16; second += 2) {
    await seen.ops.scene.send('demand', 'k', 'a', 'b', 'c')
    await seen.ops.scene.work(forecast, ['demand'], () => [], { most: 1 })
    await seen.ops.scene.clock.advance('2s')
    seen.ops.instruments.work({ ...busy, retries: 0, outputs: 0, queueMs: 0, handlerMs: 2_000, busyMs: 2_000, commitMs: 1 })
    await seen.diagnosis()
  }
  expect((await seen.diagnosis()).words).toMatch(/^slow: \d+ % busy, 16 data behind and (1 more each second|more every minute)$/)
  await seen.ops.scene.work(forecast, ['demand'], () => [], { most: 10 })
  await seen.ops.scene.clock.advance('90s')
  expect((await seen.diagnosis()).words).toMatch(/^behind: 6 data wait/)
})
