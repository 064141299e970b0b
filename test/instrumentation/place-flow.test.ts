import { agent, bytes, pipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { FlowMeter } from '../../src/instrumentation/flow.ts'
import { placeFlow } from '../../src/instrumentation/place-flow.ts'

const demand = topic('demand', bytes())
const make = (version: number, options: { replaces?: number; ramp?: number } = {}) =>
  agent('forecast', { version, from: demand, ...options }, () => undefined)
const work = { agent: 'forecast', topic: 'demand', partition: 0, duplicate: 0, lost: 0, retries: 0, outputs: 0, queueMs: 0, commitMs: 1 }

test('what is done at a place is that of both versions, and its last data those of the one that fails more', () => {
  const ramped = pipeline('grid', { agents: [make(1), make(2, { replaces: 1, ramp: 0.1 })] }).agents.get('forecast@1')!
  const meter = new FlowMeter()
  expect(placeFlow(meter.read(0), ramped)).toEqual({ handledPerSecond: 0, busy: 0, last: { data: 0, dead: 0 } })
  for (let second = 1; second <= 10; second++) {
    meter.work({ ...work, version: 1, done: 90, dead: 0, handlerMs: 300, busyMs: 300 }, second * 1_000)
    meter.work({ ...work, version: 2, done: 0, dead: 10, handlerMs: 100, busyMs: 100 }, second * 1_000)
  }
  const flow = meter.read(10_999)
  const place = placeFlow(flow, ramped)
  expect(place.handledPerSecond).toBeCloseTo(100, -1)
  expect(place.busy).toBeCloseTo(0.4, 1)
  expect(place.last).toEqual(flow.agents.get('forecast@2')!.last)
  expect(place.last.dead).toBe(place.last.data)
  // An agent that nobody shares its place with is as it was.
  expect(placeFlow(flow, make(1)).last.dead).toBe(0)
})
