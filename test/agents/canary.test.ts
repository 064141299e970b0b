import { agent, cache, out, pipeline, storageAgent, testPipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { CANARY_TOPIC, canaryRoutes, routeText } from '../../src/objectives/canary.ts'
import type { Store } from '../../src/storage/storage.ts'

const n = z.object({ n: z.number() })
const demand = topic('demand', n, { key: d => String(d.n % 3), partitions: 2 })
const prediction = topic('prediction', n, { partitions: 2 })
const dispatch = topic('dispatch', n)
const latest = cache('latest', n, { key: d => String(d.n) })
const store: Store = {
  kind: 'rolling',
  describe: 'memory',
  roll: { records: 1, bytes: 1e9, ageMs: 1_000 },
  open: () => Promise.reject(new Error('A test stores in memory.')),
}
const seen: number[] = []
const forecast = agent(
  'forecast',
  {
    version: 2,
    from: demand,
    to: prediction,
    by: d => String(d.n % 3),
    state: { init: () => 0, update: count => count + 1 },
    retry: { attempts: 3, backoff: '16s', maxBackoff: '16s' },
  },
  (d, { state, attempt }) => {
    if (d.n === 13 && attempt === 1) throw new Error('not yet')
    seen.push(d.n)
    return { n: state }
  },
)
const plan = agent('plan', { version: 1, from: prediction, to: [dispatch, latest] }, d => [out(dispatch, d), out(latest, d)])
const alarm = agent('alarm', { version: 1, from: demand }, () => undefined)
const lake = storageAgent('lake', { version: 1, from: [demand, prediction, dispatch], to: store })
const grid = pipeline('grid', { agents: [forecast, plan, alarm, lake], canary: '10s' })

test('canaries go from where producers send to the last agents before stores, by the shortest way, and never round', () => {
  expect(canaryRoutes(grid).map(routeText)).toEqual(['demand → alarm@1', 'demand → forecast@2 → prediction → plan@1 → dispatch'])
  const again = agent('again', { version: 1, from: dispatch, to: [prediction, topic('done', n)] }, () => undefined)
  const round = pipeline('grid', { agents: [forecast, plan, again], canary: '10s' })
  expect(canaryRoutes(round).map(routeText)).toEqual([
    'demand → forecast@2 → prediction → plan@1 → dispatch → again@1 → prediction',
    'demand → forecast@2 → prediction → plan@1 → dispatch → again@1 → done',
  ])
  const second = agent('forecast', { version: 3, from: demand, to: prediction }, () => undefined)
  const shadow = agent('forecast', { version: 4, from: demand, to: prediction, shadow: true }, () => undefined)
  expect(canaryRoutes(pipeline('grid', { agents: [forecast, second, shadow, plan], canary: '10s' })).map(routeText)).toEqual([
    'demand → forecast@3 → prediction',
    'demand → forecast@2 → prediction → plan@1 → dispatch',
  ])
})

test('canaries are refused where there is no path, or too little time between them', () => {
  expect(() => pipeline('grid', { agents: [lake], canary: '10s' })).toThrow(/has no path to go/)
  expect(() => pipeline('grid', { agents: [plan], canary: '10ms' })).toThrow(/must be a second or more/)
  expect(pipeline('grid', { agents: [plan] }).canaryMs).toBeUndefined()
})

test('a canary is measured from end to end, and no topic, state, cache, store or ledger has anything of it', async () => {
  await using run = await testPipeline(grid)
  await run.send(demand, [{ n: 1 }, { n: 2 }])
  await run.clock.advance('31s')
  expect(run.canaries()).toEqual([
    { path: 'demand → alarm@1', lastMs: expect.any(Number), tookMs: expect.any(Number), overdue: false },
    {
      path: 'demand → forecast@2 → prediction → plan@1 → dispatch',
      lastMs: expect.any(Number),
      tookMs: expect.any(Number),
      overdue: false,
    },
  ])
  for (const { tookMs } of run.canaries()) expect(tookMs).toBeLessThan(1_000)
  expect(run.topic(demand).data).toHaveLength(2)
  expect(run.topic(prediction).data).toEqual([{ n: 1 }, { n: 1 }])
  expect(run.topic(dispatch).data).toEqual([{ n: 1 }, { n: 1 }])
  expect(run.cache(latest).size).toBe(1)
  expect(run.stored(lake)).toHaveLength(6)
  expect(run.deadLetters).toEqual([])
  expect(run.ledger().balanced).toBe(true)
  expect(run.ledger().rows.some(row => row.topic === CANARY_TOPIC.name)).toBe(false)
})

test('a canary waits in line behind the data before it', async () => {
  await using run = await testPipeline(grid)
  await run.clock.advance('19s')
  await run.send(demand, { n: 13 })
  await run.clock.advance('5s')
  const tookMs = () => run.canaries().find(({ path }) => path.includes('forecast'))!.tookMs!
  expect(tookMs()).toBeLessThan(1_000)
  await run.clock.advance('5500ms')
  expect(tookMs()).toBeGreaterThan(6_000)
  expect(run.topic(prediction).data).toHaveLength(1)
})

test('crashes of agents with canaries on their way lose, double and skip nothing', async () => {
  await using run = await testPipeline(grid)
  for (let round = 0; round < 8; round++) {
    await run.send(
      demand,
      Array.from({ length: 25 }, (_, i) => ({ n: 100 + round * 25 + i })),
    )
    await run.crash(round % 2 === 0 ? forecast : plan)
    await run.clock.advance('7s')
    await run.crash(round % 2 === 0 ? plan : forecast)
  }
  await run.clock.advance('40s')
  expect(run.topic(prediction).data).toHaveLength(200)
  expect(run.topic(dispatch).data).toHaveLength(200)
  // Counts by key: a state that a canary had changed, or that had missed a datum, would have another last one.
  const counts = run.topic(prediction).data.map(({ n }) => n)
  expect(Math.max(...counts)).toBe(67)
  expect(run.stored(lake)).toHaveLength(600)
  expect(run.deadLetters).toEqual([])
  expect(run.ledger().balanced).toBe(true)
  expect(run.canaries().map(({ overdue }) => overdue)).toEqual([false, false])
})

test('an objective of a pipeline under test is measured by its clock', async () => {
  const slow = agent(
    'slow',
    { version: 1, from: demand, to: prediction, retry: { attempts: 3, backoff: '20s', maxBackoff: '20s' } },
    (d, { attempt }) => {
      if (d.n === 13 && attempt === 1) throw new Error('not yet')
      return d
    },
  )
  const kept = pipeline('kept', {
    agents: [slow, lake],
    slo: [
      { from: demand, to: prediction, within: '2s', share: 0.99 },
      { from: demand, to: lake, within: '10s', share: 0.9 },
    ],
  })
  await using run = await testPipeline(kept)
  await run.send(demand, [{ n: 1 }, { n: 2 }, { n: 13 }])
  await run.send(demand, { n: 3 }, { id: 'not-a-uuid' })
  await run.clock.advance('1500ms')
  await run.clock.advance('3500ms')
  const [topicSlo, lakeSlo] = run.slos()
  expect(topicSlo).toMatchObject({ good: 3, total: 3, unmeasured: 0, overdue: expect.any(Number) })
  expect(topicSlo!.overdue).toBeGreaterThan(0)
  // What the agent made of an id that says nothing of its time says nothing either.
  expect(lakeSlo).toMatchObject({ good: 6, total: 6, unmeasured: 1 })
  await run.clock.advance('40s')
  expect(run.slos()[0]).toMatchObject({ good: 3, total: 4, overdue: 0, goodShare: 0.75, missed: true })
})
