import type { Attributes, BatchObservableResult, Counter, Histogram, Observable } from '@opentelemetry/api'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import type { Resource } from '@opentelemetry/resources'
import { MeterProvider } from '@opentelemetry/sdk-metrics'
import type { Clock } from '../clock.ts'
import { METRICS, type MetricSpec, SECONDS_BUCKETS } from './catalog.ts'
import type { MetricsExporter } from './exporters/exporter.ts'
import { PullReader, Push } from './exporters/push.ts'
import type { SpanOutcome } from './exporters/span-sender.ts'
import { type Observed, observeLocal, observeStream, type Put } from './observed.ts'
import type { IngestFact, SpillFact, WorkFact } from './recorder.ts'

/** Those that are observed in the stream. */
const OF_STREAM: ReadonlySet<MetricSpec> = new Set<MetricSpec>([
  METRICS.streamAppended,
  METRICS.streamRetained,
  METRICS.agentLag,
  METRICS.agentLagAge,
  METRICS.agentExpired,
  METRICS.ledgerGap,
])

/** Time in all for one collection: a scraper waits no longer. */
const COLLECT_TIMEOUT_MS = 5_000
/** More series of one metric than this are counted together. */
const MAX_SERIES = 4_000
const INGESTED = ['accepted', 'duplicate', 'rejected', 'retry'] as const

/** Where the metrics go besides the text. */
export interface Exporting {
  /** Who it is that exports. */
  readonly resource: Resource
  readonly exporters: readonly MetricsExporter[]
  /** Told of every delivery: why it failed, or undefined where it has arrived. */
  readonly delivered: (exporter: MetricsExporter, error: unknown) => void
  readonly clock: Clock
}

/** The metrics of `catalog.ts` as OpenTelemetry instruments, read out as Prometheus text. */
export class Metrics {
  readonly #provider: MeterProvider
  readonly #reader = new PullReader({ cardinalitySelector: () => MAX_SERIES })
  readonly #serializer = new PrometheusSerializer('', false, undefined, true, true)
  readonly #pushes: readonly Push[]
  readonly #counters = new Map<MetricSpec, Counter>()
  readonly #histograms = new Map<MetricSpec, Histogram>()
  readonly #observables = new Map<MetricSpec, Observable>()
  /** By topic, what the counters have not been told yet. */
  readonly #ingested = new Map<string, Record<(typeof INGESTED)[number] | 'bytes', number>>()

  #spill: Pick<SpillFact, 'data' | 'bytes'> = { data: 0, bytes: 0 }

  constructor(observed: Observed, { resource, exporters, delivered, clock }: Exporting) {
    this.#pushes = exporters.map(
      exporter =>
        new Push({
          exporter,
          clock,
          maxSeries: MAX_SERIES,
          delivered: (to, error) => {
            this.exported(to.name, 'metrics', error === undefined)
            delivered(to, error)
          },
        }),
    )
    this.#provider = new MeterProvider({ readers: [this.#reader, ...this.#pushes.map(push => push.reader)], resource })
    const meter = this.#provider.getMeter('millrace')
    const recorded = new Set<MetricSpec>([
      METRICS.frontendData,
      METRICS.frontendBytes,
      METRICS.spilled,
      METRICS.spillDrained,
      METRICS.agentData,
      METRICS.agentOutputs,
      METRICS.agentRetries,
      METRICS.agentBusy,
      METRICS.agentLettersExpired,
      METRICS.exports,
      METRICS.spans,
    ])
    for (const spec of Object.values<MetricSpec>(METRICS)) {
      const options = { description: spec.help, unit: spec.unit }
      if (recorded.has(spec)) this.#counters.set(spec, meter.createCounter(spec.name, options))
      else if (spec.kind === 'histogram') {
        const advice = { explicitBucketBoundaries: SECONDS_BUCKETS }
        this.#histograms.set(spec, meter.createHistogram(spec.name, { ...options, advice }))
      } else if (spec.kind === 'counter') this.#observables.set(spec, meter.createObservableCounter(spec.name, options))
      else this.#observables.set(spec, meter.createObservableGauge(spec.name, options))
    }
    // From 0, so that the first that is spilled, or fails, is a rise.
    for (const outcome of ['sent', 'failed', 'dropped'] as const) this.spans(outcome, 0)
    for (const { name } of exporters)
      for (const outcome of ['sent', 'failed']) this.#count(METRICS.exports, 0, { exporter: name, signal: 'metrics', outcome })
    this.spill({ data: 0, bytes: 0, spilled: 0, drained: 0 })
    // One look for all of a kind, so that what is exported together belongs together.
    const of = (stream: boolean) =>
      [...this.#observables].flatMap(([spec, observable]) => (OF_STREAM.has(spec) === stream ? [observable] : []))
    meter.addBatchObservableCallback(async result => {
      // Whoever collects: callbacks come before the counters are read.
      this.#tellIngested()
      observeLocal(await observed.local(), this.#spill, this.#into(result))
    }, of(false))
    meter.addBatchObservableCallback(async result => observeStream(await observed.sample(), this.#into(result)), of(true))
  }

  /** Starts the series of a topic or an agent at 0: a counter that begins to exist with its first error cannot be alarmed on. */
  beginTopic(topic: string): void {
    for (const outcome of INGESTED) this.#count(METRICS.frontendData, 0, { topic, outcome })
  }

  beginAgent(agent: string, version: number, topics: readonly string[]): void {
    const labels = { agent, version: String(version) }
    for (const topic of topics)
      for (const outcome of ['done', 'dead', 'duplicate', 'lost']) this.#count(METRICS.agentData, 0, { ...labels, topic, outcome })
    this.#count(METRICS.agentOutputs, 0, labels)
    this.#count(METRICS.agentRetries, 0, labels)
    this.#count(METRICS.agentBusy, 0, labels)
    this.#count(METRICS.agentLettersExpired, 0, labels)
  }

  lettersExpired(agent: string, version: number, count: number): void {
    this.#count(METRICS.agentLettersExpired, count, { agent, version: String(version) })
  }

  exported(exporter: MetricsExporter['name'], signal: 'metrics' | 'traces', arrived: boolean): void {
    this.#count(METRICS.exports, 1, { exporter, signal, outcome: arrived ? 'sent' : 'failed' })
  }

  spans(outcome: SpanOutcome, count: number): void {
    this.#count(METRICS.spans, count, { outcome })
  }

  ingest(fact: IngestFact, topic: string): void {
    let sums = this.#ingested.get(topic)
    if (sums === undefined) {
      sums = { accepted: 0, duplicate: 0, rejected: 0, retry: 0, bytes: 0 }
      this.#ingested.set(topic, sums)
    }
    for (const outcome of INGESTED) sums[outcome] += fact[outcome]
    sums.bytes += fact.bytes
    this.#time(METRICS.frontendIngest, fact.durationMs, { topic })
  }

  spill(fact: SpillFact): void {
    this.#spill = fact
    this.#count(METRICS.spilled, fact.spilled, {})
    this.#count(METRICS.spillDrained, fact.drained, {})
  }

  /** What producers sent is added up by hand and told to the counters when they are read: each `add` sorts and hashes its labels. */
  #tellIngested(): void {
    for (const [topic, sums] of this.#ingested) {
      for (const outcome of INGESTED) if (sums[outcome] > 0) this.#count(METRICS.frontendData, sums[outcome], { topic, outcome })
      this.#count(METRICS.frontendBytes, sums.bytes, { topic })
    }
    this.#ingested.clear()
  }

  work(fact: WorkFact): void {
    const labels = { agent: fact.agent, version: String(fact.version) }
    for (const outcome of ['done', 'dead', 'duplicate', 'lost'] as const)
      if (fact[outcome] > 0) this.#count(METRICS.agentData, fact[outcome], { ...labels, topic: fact.topic, outcome })
    this.#count(METRICS.agentOutputs, fact.outputs, labels)
    this.#count(METRICS.agentRetries, fact.retries, labels)
    this.#count(METRICS.agentBusy, fact.busyMs / 1_000, labels)
    this.#time(METRICS.agentQueue, fact.queueMs, labels)
    this.#time(METRICS.agentHandler, fact.handlerMs, labels)
    this.#time(METRICS.agentCommit, fact.commitMs, labels)
  }

  /** The Prometheus text exposition format, version 0.0.4. `errors`: what could not be observed, and is missing from the text. */
  async text(): Promise<{ text: string; errors: readonly unknown[] }> {
    const { resourceMetrics, errors } = await this.#reader.collect({ timeoutMillis: COLLECT_TIMEOUT_MS })
    return { text: `${this.#serializer.serialize(resourceMetrics).trimEnd()}\n`, errors }
  }

  async close(): Promise<void> {
    await Promise.all(this.#pushes.map(push => push.close()))
    await this.#provider.shutdown()
  }

  #count(spec: MetricSpec, by: number, labels: Attributes): void {
    this.#counters.get(spec)!.add(by, labels)
  }

  #time(spec: MetricSpec, ms: number, labels: Attributes): void {
    this.#histograms.get(spec)!.record(Math.max(0, ms) / 1_000, labels)
  }

  #into(result: BatchObservableResult): Put {
    return (spec, value, labels = {}) => result.observe(this.#observables.get(spec)!, value, labels)
  }
}
