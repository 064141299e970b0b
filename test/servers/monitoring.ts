import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { installed } from '../../scripts/servers/cache.ts'
import { serverFolder } from './folder.ts'
import { freePort } from './port.ts'
import { ServerProcess } from './server-process.ts'

const ANSWER_MS = 1_000

/** A server that is asked over HTTP. */
export interface Monitor extends AsyncDisposable {
  readonly url: string
  readonly log: string
}

/** A server that answers `query`s in PromQL. */
export interface Queried extends Monitor {
  /** The series that a question has by now, with their labels. @throws what the server says is wrong with it. */
  query(promql: string): Promise<readonly { readonly labels: Readonly<Record<string, string>>; readonly value: number }[]>
}

/** Prometheus, which scrapes these addresses every second and evaluates these files of rules. */
export async function startPrometheus(targets: readonly string[], rules: readonly string[] = []): Promise<Queried> {
  const folder = serverFolder('prometheus')
  const port = await freePort()
  const config = {
    global: { scrape_interval: '1s', evaluation_interval: '1s' },
    rule_files: rules,
    // JSON is YAML.
    scrape_configs: [{ job_name: 'millrace', static_configs: [{ targets }] }],
  }
  writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify(config))
  const flags = [`--config.file=${join(folder, 'prometheus.yml')}`, `--storage.tsdb.path=${join(folder, 'data')}`]
  return queried(
    await started('Prometheus', port, '/-/ready', folder, [installed('prometheus'), ...flags, `--web.listen-address=127.0.0.1:${port}`]),
  )
}

/** VictoriaMetrics, which takes metrics by OTLP at `/opentelemetry/v1/metrics`. */
export async function startVictoriaMetrics(): Promise<Queried> {
  const folder = serverFolder('victoria-metrics')
  const port = await freePort()
  const flags = [
    `-httpListenAddr=127.0.0.1:${port}`,
    `-storageDataPath=${join(folder, 'data')}`,
    '-search.latencyOffset=0s',
    '-search.disableCache',
  ]
  return queried(await started('VictoriaMetrics', port, '/health', folder, [installed('victoria-metrics'), ...flags]))
}

export interface ReceivedSpan {
  readonly traceId: string
  readonly spanId: string
  readonly parentSpanId: string
  readonly name: string
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string>>
}

/** The OpenTelemetry Collector. */
export interface Collector extends Monitor {
  /** Every span that has come by now. */
  spans(): readonly ReceivedSpan[]
}

/** The OpenTelemetry Collector, which takes what is sent by OTLP to its `url`, keeps traces, and hands metrics on. @param metricsTo where by OTLP. */
export async function startCollector(metricsTo: string): Promise<Collector> {
  const folder = serverFolder('otel-collector')
  const port = await freePort()
  const traces = join(folder, 'traces.json')
  const config = {
    receivers: { otlp: { protocols: { http: { endpoint: `127.0.0.1:${port}` } } } },
    exporters: { otlp_http: { endpoint: metricsTo }, file: { path: traces, flush_interval: '200ms' } },
    service: {
      telemetry: { metrics: { level: 'none' } },
      pipelines: {
        metrics: { receivers: ['otlp'], exporters: ['otlp_http'] },
        traces: { receivers: ['otlp'], exporters: ['file'] },
      },
    },
  }
  writeFileSync(join(folder, 'collector.yml'), JSON.stringify(config))
  const command = [installed('otel-collector'), `--config=${join(folder, 'collector.yml')}`]
  const nothing = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' }
  const monitor = await started('The OpenTelemetry Collector', port, '/v1/traces', folder, command, nothing)
  return Object.assign(monitor, { spans: () => (existsSync(traces) ? spansIn(readFileSync(traces, 'utf8')) : []) })
}

/** OTLP as JSON, a request a line. */
interface Request {
  readonly resourceSpans: readonly { readonly scopeSpans: readonly { readonly spans: readonly RawSpan[] }[] }[]
}

interface RawSpan extends Omit<ReceivedSpan, 'attributes' | 'startMs' | 'endMs'> {
  readonly startTimeUnixNano: string
  readonly endTimeUnixNano: string
  readonly attributes: readonly { readonly key: string; readonly value: Readonly<Record<string, string>> }[]
}

/** The last line may be half written. */
function spansIn(text: string): ReceivedSpan[] {
  const requests = text
    .split('\n')
    .slice(0, -1)
    .map(line => JSON.parse(line) as Request)
  const spans = requests.flatMap(({ resourceSpans }) => resourceSpans.flatMap(({ scopeSpans }) => scopeSpans.flatMap(scope => scope.spans)))
  return spans.map(({ traceId, spanId, parentSpanId = '', name, startTimeUnixNano, endTimeUnixNano, attributes }) => ({
    ...{ traceId, spanId, parentSpanId, name, startMs: Number(startTimeUnixNano) / 1e6, endMs: Number(endTimeUnixNano) / 1e6 },
    attributes: Object.fromEntries(attributes.map(({ key, value }) => [key, String(Object.values(value)[0])])),
  }))
}

/** statsd_exporter, which shows at `/metrics` what it understood of DogStatsD. */
export async function startStatsdExporter(): Promise<Monitor & { readonly address: string }> {
  const folder = serverFolder('statsd')
  const port = await freePort()
  const udp = await freePort()
  // Its own are called so as well.
  const mapping = { mappings: [{ match: '(process|nodejs)_.*', match_type: 'regex', name: 'dropped', action: 'drop' }] }
  writeFileSync(join(folder, 'mapping.yml'), JSON.stringify(mapping))
  const flags = [
    `--statsd.mapping-config=${join(folder, 'mapping.yml')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    `--statsd.listen-udp=127.0.0.1:${udp}`,
    '--statsd.listen-tcp=',
  ]
  const monitor = await started('statsd_exporter', port, '/-/ready', folder, [installed('statsd_exporter'), ...flags])
  return Object.assign(monitor, { address: `127.0.0.1:${udp}` })
}

/** @param asked what `readyPath` is asked with. */
async function started(
  name: string,
  port: number,
  readyPath: string,
  folder: string,
  command: readonly string[],
  asked: RequestInit = {},
): Promise<Monitor> {
  mkdirSync(join(folder, 'data'), { recursive: true })
  const url = `http://127.0.0.1:${port}`
  const server = new ServerProcess({
    name,
    command,
    cwd: folder,
    logFile: join(folder, 'server.log'),
    ready: async () => {
      const response = await fetch(`${url}${readyPath}`, { ...asked, signal: AbortSignal.timeout(ANSWER_MS) })
      await response.arrayBuffer()
      if (!response.ok) throw new Error(`${name} answers ${response.status}`)
    },
  })
  await server.start()
  return {
    url,
    get log() {
      return server.log
    },
    // Its data are thrown away: nothing is gained by an orderly end.
    [Symbol.asyncDispose]: () => server.kill(),
  }
}

interface Answer {
  readonly status: string
  readonly error?: string
  readonly data?: { readonly result: readonly { readonly metric: Record<string, string>; readonly value: readonly [number, string] }[] }
}

function queried(monitor: Monitor): Queried {
  return Object.assign(monitor, {
    async query(promql: string) {
      const response = await fetch(`${monitor.url}/api/v1/query?query=${encodeURIComponent(promql)}`)
      const { data, error } = (await response.json()) as Answer
      if (data === undefined) throw new Error(`${promql}: ${error}`)
      return data.result.map(({ metric, value }) => ({ labels: metric, value: Number(value[1]) }))
    },
  })
}
