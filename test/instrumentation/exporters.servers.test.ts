import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installed } from '../../scripts/servers/cache.ts'
import { METRICS, type MetricSpec } from '../../src/instrumentation/catalog.ts'
import { emptyFolder, remove, type Started, start } from '../cli/millrace.ts'
import { dashboard, questions, RULES, RULES_TEST } from '../deploy/monitoring.ts'
import {
  type Collector,
  type Queried,
  startCollector,
  startPrometheus,
  startStatsdExporter,
  startVictoriaMetrics,
} from '../servers/monitoring.ts'
import { until } from '../servers/until.ts'
import { parsePrometheus } from './prometheus.ts'

const PIPELINE = `import { agent, bytes, pipeline, storageAgent, topic } from 'millrace'
import { files } from 'millrace/storage/files'

const demand = topic('demand', bytes(), { partitions: 2 })
const doubled = topic('doubled', bytes())

const double = agent('double', { version: 3, from: demand, to: doubled, retry: { attempts: 1 } }, datum => {
  if (Buffer.from(datum).includes('broken')) throw new Error('the scale is broken')
  return datum
})
const lake = storageAgent('lake', { version: 1, from: doubled, to: files('./lake', { roll: { age: '1s' } }) })
export default pipeline('grid', { agents: [double, lake], slo: { from: demand, to: doubled, within: '10s', share: 0.99 } })
`
const SENT = 200
const BROKEN = 5
const ENOUGH_MS = 30_000

describe('one pipeline, looked at by everything that can look at it', () => {
  const folder = emptyFolder()
  const alive: AsyncDisposable[] = []
  let millrace: Started
  let ops: string
  let prometheus: Queried
  let victoria: Queried
  let statsd: Awaited<ReturnType<typeof startStatsdExporter>>
  let collector: Collector

  beforeAll(async () => {
    writeFileSync(join(folder, 'pipeline.ts'), PIPELINE)
    ;[statsd, victoria] = await Promise.all([startStatsdExporter(), startVictoriaMetrics()])
    collector = await startCollector(`${victoria.url}/opentelemetry`)
    alive.push(statsd, victoria, collector)
    const listen = ['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--json']
    const exporters = ['--otlp', collector.url, '--otlp-traces', '50', '--dogstatsd', statsd.address]
    millrace = start(['start', 'pipeline.ts', ...listen, ...exporters], {
      cwd: folder,
      env: { OTEL_METRIC_EXPORT_INTERVAL: '1000' },
    })
    alive.push(millrace)
    const urls = JSON.parse(await millrace.until(/\}\n/)) as { listen: string; operators: string }
    ops = urls.operators
    prometheus = await startPrometheus([new URL(ops).host])
    alive.push(prometheus)
    for (let i = 0; i < SENT; i++) {
      const body = i % (SENT / BROKEN) === 0 ? `broken ${i}` : `fine ${i}`
      const response = await fetch(`${urls.listen}/v1/topics/demand`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/octet-stream' },
      })
      await response.arrayBuffer()
      if (response.status !== 202) throw new Error(`The front end answers ${response.status}`)
    }
  })
  afterAll(async () => {
    for (const each of alive.reverse()) await each[Symbol.asyncDispose]()
    remove(folder)
  })

  const sumOf = async (server: Queried, promql: string) => (await server.query(promql)).reduce((sum, { value }) => sum + value, 0)
  const becomes = (server: Queried, promql: string, wanted: number) =>
    until(`${promql} is ${wanted}`, ENOUGH_MS, async () => expect(await sumOf(server, promql)).toBe(wanted))

  test('promtool finds nothing to say about /metrics', async () => {
    const text = await (await fetch(`${ops}/metrics`)).text()
    const { status, stderr, stdout } = spawnSync(installed('promtool'), ['check', 'metrics'], { input: text, encoding: 'utf8' })
    expect([status, stdout, stderr]).toEqual([0, '', ''])
  })

  test('Prometheus scrapes it and answers how much came in, what became of it and that it all adds up', async () => {
    await becomes(prometheus, 'millrace_frontend_data_total{job="millrace",topic="demand",outcome="accepted"}', SENT)
    await becomes(prometheus, 'millrace_agents_data_total{agent="double",version="3",outcome="done"}', SENT - BROKEN)
    await becomes(prometheus, 'millrace_agents_data_total{agent="double",version="3",outcome="dead"}', BROKEN)
    await becomes(prometheus, 'millrace_agents_data_total{agent="lake",outcome="done"}', SENT - BROKEN)
    await becomes(prometheus, 'sum(millrace_agents_lag_data) + sum(millrace_ledger_gap_data)', 0)
    expect(await sumOf(prometheus, 'histogram_quantile(0.99, millrace_agents_handler_seconds_bucket{agent="double"})')).toBeGreaterThan(0)
    expect(await sumOf(prometheus, 'up{job="millrace"}')).toBe(1)
  })

  test('the OpenTelemetry Collector takes every series that /metrics has, and whoever it hands them to has the same labels and counts', async () => {
    await becomes(victoria, 'millrace_agents_data_total{agent="lake",outcome="done"}', SENT - BROKEN)
    await becomes(victoria, 'millrace_frontend_data_total{topic="demand",outcome="accepted"}', SENT)
    await becomes(
      victoria,
      'millrace_frontend_ingest_seconds_bucket{le="+Inf"}',
      await sumOf(prometheus, 'millrace_frontend_ingest_seconds_count'),
    )
    const families = parsePrometheus(await (await fetch(`${ops}/metrics`)).text())
    const byOtlp = await victoria.query('{service.name="grid"}')
    const names = (all: Iterable<string>) => [...new Set(all)].sort()
    expect(names(byOtlp.map(({ labels }) => labels.__name__!))).toEqual(
      names([...families.values()].flatMap(({ samples }) => samples.map(({ name }) => name))),
    )
    expect(byOtlp[0]?.labels).toMatchObject({ 'service.namespace': 'millrace', 'millrace.roles': 'frontend,agents,storage,console' })
  })

  test('a statsd receiver has by DogStatsD the sums, the gauges and how often each time was taken', async () => {
    const read = async () => {
      const lines = (await (await fetch(`${statsd.url}/metrics`)).text()).split('\n')
      return (name: string, ...labels: readonly string[]) =>
        lines
          .filter(line => (line.startsWith(`${name}{`) || line.startsWith(`${name} `)) && labels.every(label => line.includes(label)))
          .reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
    }
    await until('all data have arrived as DogStatsD', ENOUGH_MS, async () => {
      const sum = await read()
      expect(sum('millrace_frontend_data_total', 'topic="demand"', 'outcome="accepted"')).toBe(SENT)
      expect(sum('millrace_agents_data_total', 'agent="double"', 'version="3"', 'outcome="dead"')).toBe(BROKEN)
      expect(sum('millrace_agents_data_total', 'agent="lake"', 'outcome="done"')).toBe(SENT - BROKEN)
      expect(sum('millrace_engine_size_bytes')).toBeGreaterThan(1e4)
      expect(sum('millrace_frontend_ingest_seconds_count')).toBe(await sumOf(prometheus, 'millrace_frontend_ingest_seconds_count'))
    })
    const sum = await read()
    expect([
      sum('statsd_exporter_sample_errors_total'),
      sum('statsd_exporter_tag_errors_total'),
      sum('statsd_exporter_events_error_total'),
    ]).toEqual([0, 0, 0])
  })

  test('a datum’s trace has its data_id as its id, and a span for each step of its way to the files', async () => {
    const whole = await until('a datum has been traced to the files', ENOUGH_MS, () => {
      const byTrace = Object.groupBy(collector.spans(), span => span.traceId)
      const found = Object.values(byTrace).find(spans => spans?.some(({ name }) => name === 'lake@1'))
      if (found === undefined) throw new Error(`Traces: ${Object.keys(byTrace).length}`)
      return found
    })
    const named = new Map(whole.map(span => [span.name, span]))
    expect([...named.keys()].sort()).toEqual(['accepted demand', 'double@3', 'lake@1', 'wait for double@3', 'wait for lake@1'])
    const [root, work, stored] = ['accepted demand', 'double@3', 'lake@1'].map(name => named.get(name)!)
    expect(root!.attributes['millrace.data_id']!.replaceAll('-', '')).toBe(root!.traceId)
    expect([work!.parentSpanId, stored!.parentSpanId, root!.parentSpanId]).toEqual([root!.spanId, work!.spanId, ''])
    expect(named.get('wait for double@3')!.endMs).toBe(work!.startMs)
    for (const { startMs, endMs } of whole) expect(endMs).toBeGreaterThanOrEqual(startMs)
    const story = (await (await fetch(`${ops}/v1/trace/${root!.attributes['millrace.data_id']}`)).json()) as { data_id: string }
    expect(story.data_id).toBe(root!.attributes['millrace.data_id'])
  })

  test('Prometheus takes the alert rules, each of which has been tried, and understands every question of the dashboard', async () => {
    const said = ['check', 'test'].map(what => {
      const file = fileURLToPath(what === 'check' ? RULES : RULES_TEST)
      const { status, stdout, stderr } = spawnSync(installed('promtool'), [what, 'rules', file], { encoding: 'utf8' })
      return status === 0 ? 'fine' : `${stdout}${stderr}`
    })
    expect(said).toEqual(['fine', 'fine'])
    const asked = questions(dashboard())
    await Promise.all(asked.map(promql => prometheus.query(promql)))
    // Nobody has an objective here that is measured yet, and nothing has failed: the others show something, as soon as it was scraped twice.
    const shows = asked.filter(promql => !/millrace_slo_|outcome!="done"|outcome="failed"|_expired_data/.test(promql))
    await Promise.all(
      shows.map(promql =>
        until(`${promql} shows something`, ENOUGH_MS, async () => expect(await prometheus.query(promql)).not.toEqual([])),
      ),
    )
  })

  test('nothing that is exported is missing from the catalog', async () => {
    const known = new Map(Object.values<MetricSpec>(METRICS).map(spec => [spec.name, spec]))
    const families = parsePrometheus(await (await fetch(`${ops}/metrics`)).text())
    for (const { name, type, samples } of families.values()) {
      expect(type, name).toBe(known.get(name)?.kind)
      for (const { labels } of samples)
        for (const label of Object.keys(labels)) expect([...known.get(name)!.labels, 'le'], name).toContain(label)
    }
  })
})
