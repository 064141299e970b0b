import { describe, expect, test } from 'vitest'
import { FlowMeter } from '../../src/instrumentation/flow.ts'
import type { IngestFact, WorkFact } from '../../src/instrumentation/recorder.ts'

const ingest: IngestFact = { topic: 'demand', source: 's', accepted: 90, duplicate: 5, rejected: 3, retry: 2, bytes: 5_000, durationMs: 4 }
const work: WorkFact = {
  agent: 'average',
  version: 1,
  topic: 'demand',
  partition: 0,
  done: 40,
  dead: 1,
  duplicate: 0,
  lost: 0,
  retries: 2,
  outputs: 20,
  queueMs: 3,
  handlerMs: 250,
  busyMs: 250,
  commitMs: 1,
}

describe('the flow', () => {
  test('is the receipts of each topic and of all together', () => {
    const flow = new FlowMeter()
    flow.ingest(ingest, 'demand', 1_000)
    flow.ingest(ingest, 'generation', 2_000)
    const seen = flow.read(3_000)
    expect(seen.frontEnd).toMatchObject({ acceptedPerSecond: 90, rejectedPerSecond: 3, bytesPerSecond: 5_000 })
    expect(seen.ingest.get('demand')).toMatchObject({ acceptedPerSecond: 45 })
  })

  test('says how busy an agent is: handler time by time', () => {
    const flow = new FlowMeter()
    for (let second = 1; second <= 10; second++) flow.work(work, second * 1_000)
    expect(flow.read(10_999).agents.get('average@1')).toMatchObject({ busy: expect.closeTo(0.25, 1), handlerP50Ms: 250 })
  })

  test('keeps what an agent has in hand until it says otherwise, so that one which hangs is seen', () => {
    const flow = new FlowMeter()
    const fact = { agent: 'average', version: 1, replica: 0 }
    flow.inHand({ ...fact, count: 12, sinceMs: 500 })
    expect(flow.read(60_000).agents.get('average@1')).toMatchObject({ inHand: 12, inHandSinceMs: 500 })
    flow.inHand({ ...fact, replica: 1, count: 3, sinceMs: 400 })
    expect(flow.read(60_000).agents.get('average@1')).toMatchObject({ inHand: 15, inHandSinceMs: 400 })
    flow.inHand({ ...fact, replica: 1, count: 0, sinceMs: 0 })
    flow.inHand({ ...fact, count: 0, sinceMs: 500 })
    expect(flow.read(60_000).agents.get('average@1')).toMatchObject({ inHand: 0, inHandSinceMs: 0 })
  })

  test('forgets agents that are no longer in the pipeline', () => {
    const flow = new FlowMeter()
    flow.work(work, 1_000)
    flow.work({ ...work, version: 2 }, 1_000)
    flow.keep(new Set(['average@2']))
    expect([...flow.read(1_000).agents.keys()]).toEqual(['average@2'])
  })
})
