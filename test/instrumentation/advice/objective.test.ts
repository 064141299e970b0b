import { agent, bytes, pipeline, storageAgent, topic } from 'millrace'
import { expect, test } from 'vitest'
import { adviseAgent } from '../../../src/instrumentation/advice/advice.ts'
import type { AgentLoad } from '../../../src/instrumentation/advice/load.ts'
import { SloMeter } from '../../../src/instrumentation/slo/meter.ts'

const NOW = Date.UTC(2026, 0, 1)
const demand = topic('demand', bytes())
const prediction = topic('prediction', bytes())
const dispatch = topic('dispatch', bytes())
const quick = agent('quick', { version: 1, from: demand, to: prediction }, () => undefined)
const slow = agent('slow', { version: 1, from: prediction, to: dispatch }, () => undefined)
const roll = { records: 1, bytes: 1, ageMs: 60_000 }
const lake = storageAgent('lake', {
  version: 1,
  from: demand,
  to: { kind: 'rolling', describe: 'nowhere', roll, open: () => Promise.reject(new Error('Nothing is stored here.')) },
})
const grid = pipeline('grid', {
  agents: [quick, slow, lake],
  slo: [
    { from: demand, to: dispatch, within: '2s', share: 0.99 },
    { from: demand, to: lake, within: '10s', share: 0.99 },
  ],
})

function slowest(late: number) {
  const meter = new SloMeter()
  meter.use(grid)
  for (const [name, handlerMs] of [
    ['quick', 20],
    ['slow', 1_590],
    ['lake', 40],
  ] as const) {
    const fact = { agent: name, version: 1, topic: 'demand', partition: 0, done: 10, dead: 0, duplicate: 0, lost: 0 }
    meter.work({ ...fact, retries: 0, outputs: 0, queueMs: 0, handlerMs, busyMs: 0, commitMs: 10 }, NOW)
  }
  for (const { id } of grid.slos) meter.arrived({ slo: id, good: 100 - late, late, unmeasured: 0, ages: [] }, NOW)
  return meter.slowest(NOW, () => true)
}

const calm: AgentLoad = {
  ...{ agent: 'slow@1', state: 'healthy', stateWords: 'healthy', replicas: 1, mostReplicas: 1, isStore: false, shared: false },
  ...{ partitions: [], handledPerSecond: 1, secondsPerDatum: 0.1, busy: 0.1, computing: 0.1, processors: 2, lagMs: 0 },
}

test('an objective that is missed names the agent on its path that takes the time', () => {
  expect([...slowest(50)].map(([id, { slo, serviceMs }]) => [id, slo.name, serviceMs])).toEqual([
    ['slow@1', 'demand → dispatch', 1_600],
    ['lake@1', 'demand → lake', 50],
  ])
  expect(slowest(1).size).toBe(0)
})

test('an agent that has most of an objective’s time in its own hands is to be re-engineered, and a store that gathers too long to roll sooner', () => {
  const objective = { name: 'demand → dispatch', withinMs: 2_000, burn: 50, serviceMs: 1_600, rollMs: 0 }
  expect(adviseAgent({ ...calm, objective }, { usualSecondsPerDatum: undefined, tried: false })).toMatchObject({
    decision: 're_engineer',
    cause: 'objective',
    words:
      'demand → dispatch burns its error budget 50 times as fast as it may, and slow@1 takes 1.6 s of the 2 s that it leaves. Make it faster; replicas would not.',
    arithmetic: '1.6 s in its handler and its commit, of 2 s',
  })
  const gathers = { ...calm, agent: 'lake@1', isStore: true, objective: { ...objective, withinMs: 10_000, serviceMs: 50, rollMs: 60_000 } }
  expect(adviseAgent(gathers, { usualSecondsPerDatum: undefined, tried: false })).toMatchObject({
    cause: 'objective',
    steps: ['in the pipeline, of lake@1: a shorter roll.age'],
  })
  const little = { ...calm, objective: { ...objective, serviceMs: 900 } }
  expect(adviseAgent(little, { usualSecondsPerDatum: undefined, tried: false })).toBeUndefined()
})
