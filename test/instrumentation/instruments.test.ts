import { emptyResource } from '@opentelemetry/resources'
import { AggregationTemporality, type ResourceMetrics } from '@opentelemetry/sdk-metrics'
import { agent, bytes, pipeline, topic } from 'millrace'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { EngineView, Standing } from '../../src/engine/engine.ts'
import { FrameWriter } from '../../src/envelope/frame.ts'
import { METRICS, type MetricSpec } from '../../src/instrumentation/catalog.ts'
import type { MetricsExporter } from '../../src/instrumentation/exporters/exporter.ts'
import { createInstruments, type Instruments } from '../../src/instrumentation/instruments.ts'
import type { IngestFact, WorkFact } from '../../src/instrumentation/recorder.ts'
import { Ages } from '../../src/objectives/ages.ts'
import { CANARY_TOPIC, canaryToJson } from '../../src/objectives/canary.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { parsePrometheus } from './prometheus.ts'

const demand = topic('demand', bytes())
const averages = topic('averages', bytes())
const grid = pipeline('grid', {
  agents: [agent('average', { version: 2, from: demand, to: averages }, () => undefined)],
  slo: { from: demand, to: averages, within: '2s', share: 0.99 },
  canary: '10s',
})

const ingest: IngestFact = { topic: 'demand', source: 's', accepted: 90, duplicate: 5, rejected: 3, retry: 2, bytes: 5_000, durationMs: 4 }
const work: WorkFact = {
  agent: 'average',
  version: 2,
  topic: 'demand',
  partition: 0,
  done: 40,
  dead: 1,
  duplicate: 3,
  lost: 0,
  retries: 2,
  outputs: 20,
  queueMs: 30,
  handlerMs: 250,
  busyMs: 250,
  commitMs: 1,
}

function canary(): Uint8Array {
  const data = JSON.stringify(canaryToJson({ sentMs: 998_500, path: ['demand', 'average@2', 'averages'], line: [0] }))
  const writer = new FrameWriter()
  const id = Buffer.alloc(16)
  writer.add({
    ...{ id, idAt: 0, supplied: false, source: id, createdMs: 0, contentType: 'application/json', type: '', key: '' },
    ...{ parents: Buffer.alloc(0), data },
  })
  return writer.take().frames
}

/** An engine that answers what a test says, and counts how often it is asked. The real one cannot be made to lose a datum. */
function pretend(standing: Partial<Standing['checkpoint']> = {}) {
  const asked = { count: 0, next: 130, fails: false }
  const checkpoint = { offset: 100, first: 0, done: 97, dead: 2, duplicate: 1, lost: 0, edition: 2, ...standing }
  const view = {
    standings: async () => {
      asked.count++
      if (asked.fails) throw new Error('away')
      return [{ group: 'average@2', topic: 'demand', partition: 0, first: 0, next: asked.next, oldestPendingMs: 990_000, checkpoint }]
    },
    topics: async () => [{ name: 'demand', partitions: 1, retentionMs: 1_000 }],
    bounds: async topic => [{ first: 0, next: topic === CANARY_TOPIC.name ? 1 : asked.next }],
    read: async topic => ({ topic, partition: 0, first: 0, count: 1, frames: canary(), ascii: true, appendedMs: 1_000_000 }),
  } satisfies Partial<EngineView>
  // Instruments read nothing else of a view.
  return { asked, view: view as unknown as EngineView }
}

/** Looks at what it is given. */
const exporter: MetricsExporter & { sent: ResourceMetrics | undefined } = {
  name: 'otlp',
  to: 'a test',
  intervalMs: 60_000,
  temporality: () => AggregationTemporality.CUMULATIVE,
  sent: undefined,
  async send(metrics) {
    this.sent = metrics
  },
  close: async () => undefined,
}

describe('the instruments', () => {
  // A tick asks the engine, and plans the next one when it has its answer.
  const settle = () => new Promise<void>(resolve => setImmediate(resolve))
  let clock: VirtualClock
  let engine: ReturnType<typeof pretend>
  let instruments: Instruments
  let errors: unknown[]

  function start(standing: Partial<Standing['checkpoint']> = {}) {
    clock = new VirtualClock({ startMs: 1_000_000, settle })
    engine = pretend(standing)
    const exporting = { resource: emptyResource(), exporters: [exporter], delivered: () => undefined }
    const onError = (error: unknown) => errors.push(error)
    instruments = createInstruments({ engine: engine.view, clock, directory: import.meta.dirname, onError, exporting })
    instruments.use(grid)
  }
  function arrive() {
    const ages = new Ages()
    ages.note(999_000)
    instruments.arrived([ages.measure(grid.slos[0]!, 1_000_000)])
  }
  async function value(name: string, labels: Record<string, string> = {}): Promise<number | undefined> {
    const families = parsePrometheus((await instruments.metrics()).text)
    const samples = [...families.values()].flatMap(family => family.samples)
    return samples.find(s => s.name === name && Object.entries(labels).every(([label, text]) => s.labels[label] === text))?.value
  }

  beforeEach(() => {
    errors = []
    exporter.sent = undefined
    start()
  })
  afterEach(async () => {
    await instruments.close()
    // Closed, it asks nothing any more.
    const asked = engine.asked.count
    await clock.advance('1m')
    expect(engine.asked.count).toBe(asked)
  })

  test('export every metric of the catalog with its type and labels, and nothing besides', async () => {
    instruments.ingest(ingest)
    instruments.work(work)
    instruments.inHand({ agent: 'average', version: 2, replica: 0, count: 7, sinceMs: 999_000 })
    instruments.watch(() => ({ replicas: [], wanted: 2, most: 2, ofPrograms: false, suspects: [] }))
    arrive()
    await clock.advance('2s')
    const { text, errors } = await instruments.metrics()
    expect(errors).toEqual([])
    const families = parsePrometheus(text)
    const exported = [...families.values()].map(({ name, type, help, samples }) => ({
      name,
      kind: type,
      help,
      labels: Object.keys(samples[0]?.labels ?? {})
        .filter(label => label !== 'le')
        .sort(),
    }))
    const declared = Object.values<MetricSpec>(METRICS).map(({ name, kind, help, labels }) => ({
      name,
      kind,
      help,
      labels: [...labels].sort(),
    }))
    const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name)
    expect(exported.sort(byName)).toEqual(declared.sort(byName))
  })

  test('hand every metric to an exporter with the unit that the catalog says, what producers sent included', async () => {
    instruments.ingest(ingest)
    instruments.work(work)
    instruments.inHand({ agent: 'average', version: 2, replica: 0, count: 7, sinceMs: 999_000 })
    instruments.watch(() => ({ replicas: [], wanted: 2, most: 2, ofPrograms: false, suspects: [] }))
    arrive()
    await clock.advance('1m')
    await expect.poll(() => exporter.sent).toBeDefined()
    const sent = new Map(exporter.sent!.scopeMetrics[0]!.metrics.map(metric => [metric.descriptor.name, metric]))
    const units = Object.values<MetricSpec>(METRICS).map(({ name, unit }) => [name, unit])
    expect([...sent].map(([name, { descriptor }]) => [name, descriptor.unit]).sort()).toEqual(units.sort())
    expect(sent.get('millrace_frontend_data_total')?.dataPoints.map(({ value }) => value)).toEqual([90, 5, 3, 2, 0, 0, 0, 0])
  })

  test('name what only rises _total, and measure in base units', () => {
    for (const spec of Object.values<MetricSpec>(METRICS)) {
      expect(spec.name.endsWith('_total'), spec.name).toBe(spec.kind === 'counter')
      const unit = { s: '_seconds', By: '_bytes', '1': '_ratio' }[spec.unit] ?? ''
      expect(spec.name.replace(/_total$/, '').endsWith(unit), spec.name).toBe(true)
      expect(spec.labels).not.toContain('data_id')
    }
  })

  test('count receipts by outcome and units of work by what became of the data', async () => {
    instruments.ingest(ingest)
    instruments.ingest(ingest)
    instruments.work(work)
    expect(await value('millrace_frontend_data_total', { topic: 'demand', outcome: 'rejected' })).toBe(6)
    expect(await value('millrace_agents_data_total', { agent: 'average', version: '2', topic: 'demand', outcome: 'duplicate' })).toBe(3)
    expect(await value('millrace_agents_retries_total')).toBe(2)
    expect(await value('millrace_agents_handler_seconds_sum')).toBe(0.25)
    expect(await value('millrace_agents_queue_seconds_count')).toBe(1)
  })

  test('start a declared topic’s and agent’s series at 0, so that the first dead letter is a rise', async () => {
    expect(await value('millrace_agents_data_total', { outcome: 'dead' })).toBe(0)
    expect(await value('millrace_frontend_data_total', { outcome: 'rejected' })).toBe(0)
  })

  test('give lag in data and in seconds', async () => {
    expect(await value('millrace_agents_lag_data', { agent: 'average', topic: 'demand' })).toBe(30)
    expect(await value('millrace_agents_lag_seconds', { agent: 'average', topic: 'demand' })).toBe(10)
  })

  test('export a ledger gap of 0 when it balances, and of 1 when a datum vanished', async () => {
    expect(await value('millrace_ledger_gap_data')).toBe(0)
    await instruments.close()
    start({ done: 96 })
    expect(await value('millrace_ledger_gap_data')).toBe(1)
  })

  test('show for how long an agent that hangs has had its data in hand', async () => {
    instruments.inHand({ agent: 'average', version: 2, replica: 0, count: 7, sinceMs: 940_000 })
    expect(await value('millrace_agents_in_flight_data')).toBe(7)
    expect(await value('millrace_agents_in_flight_seconds')).toBe(60)
  })

  test('count topics that nobody declared as one, whatever a producer asks for', async () => {
    for (let i = 0; i < 5_000; i++) instruments.ingest({ ...ingest, topic: `../${i}"\n` })
    const family = parsePrometheus((await instruments.metrics()).text).get('millrace_frontend_data_total')
    expect(new Set(family?.samples.map(sample => sample.labels.topic))).toEqual(new Set(['demand', 'averages', 'other']))
  })

  test('ask the engine once for a storm of scrapes', async () => {
    await Promise.all(Array.from({ length: 50 }, () => instruments.metrics()))
    await instruments.metrics()
    expect(engine.asked.count).toBe(1)
  })

  test('know a topic’s rate from its offsets, whoever wrote to it', async () => {
    await instruments.sample(0)
    await clock.advance('4s')
    engine.asked.next += 400
    const sample = await instruments.sample(0)
    expect(sample.topics[0]).toMatchObject({ appended: 530, perSecond: 100 })
    await clock.advance('30s')
    expect((await instruments.sample(0)).topics[0]?.perSecond).toBeLessThan(20)
    await clock.advance('1s')
    expect((await instruments.sample(0)).topics[0]?.perSecond).toBe(0)
  })

  test('say once that the engine does not answer, and go on with the rest', async () => {
    engine.asked.fails = true
    await clock.advance('6s')
    expect(errors).toEqual([new Error('away')])
    instruments.ingest(ingest)
    const { text, errors: missing } = await instruments.metrics()
    expect(missing).toHaveLength(1)
    expect(parsePrometheus(text).has('millrace_frontend_data_total')).toBe(true)
  })
})
