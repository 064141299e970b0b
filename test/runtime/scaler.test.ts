import { setImmediate } from 'node:timers/promises'
import { agent, bytes, pipeline, topic } from 'millrace'
import { expect, it } from 'vitest'
import { FlowMeter } from '../../src/instrumentation/flow.ts'
import type { Sample } from '../../src/instrumentation/sampler.ts'
import { silentLog } from '../../src/runtime/log.ts'
import { Scaler, type ScalerOptions } from '../../src/runtime/scaler.ts'
import { begun } from '../../src/stream/checkpoint.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

const demand = topic('demand', bytes(), { partitions: 4 })
const version = (number: number, options: { replaces?: number; ramp?: number } = {}) =>
  agent('forecast', { version: number, from: demand, replicas: { min: 1, max: 4 }, ...options }, () => undefined)

it('an agent is scaled by what is done at its place, also where another version gets all of its keys', async () => {
  const graph = pipeline('grid', { agents: [version(1), version(2, { replaces: 1, ramp: 1 })] })
  const clock = new VirtualClock({ settle: () => setImmediate() })
  const meter = new FlowMeter()
  const work = { agent: 'forecast', version: 2, topic: 'demand', partition: 0, done: 20, dead: 0, duplicate: 0, lost: 0 }
  const sample = async (): Promise<Sample> => ({
    atMs: clock.now(),
    standings: [0, 1, 2, 3].map(partition => ({
      ...{ group: 'forecast@1', topic: 'demand', partition, checkpoint: begun(0, 1), first: 0, next: 5_000 },
      oldestPendingMs: clock.now() - 60_000,
    })),
    ended: new Map(),
    paused: new Map(),
    topics: [],
    passedPerSecond: new Map(),
    handledPerSecond: new Map([['forecast@1', 10]]),
  })
  const scaled: number[] = []
  const agents: ReturnType<ScalerOptions['agents']> = [
    {
      ...{
        agent: 'forecast@1',
        declared: graph.agents.get('forecast@1')!,
        range: { min: 1, max: 4 },
        ofPrograms: false,
        settled: true,
      },
      look: () => undefined,
      facts: () => ({
        replicas: [{ state: 'running', sinceMs: 0, restarts: 0, inHand: [], failing: [], loop: 1 }],
        ...{ wanted: 1, most: 1, ofPrograms: false, suspects: [] },
      }),
      scale: count => void scaled.push(count),
    },
  ]
  const scaler = new Scaler({
    ...{ clock, sample, log: silentLog, flow: () => meter.read(clock.now()), pace: { upMs: 2_000, downMs: 60_000, upLagMs: 1_000 } },
    agents: () => agents,
  })
  for (let look = 0; look < 6; look++) {
    meter.work({ ...work, retries: 0, outputs: 0, queueMs: 0, handlerMs: 2_000, busyMs: 2_000, commitMs: 1 }, clock.now())
    await clock.advance('2s')
  }
  scaler.close()
  expect(scaled[0]).toBe(4)
})
