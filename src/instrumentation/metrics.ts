import type { Attributes, BatchObservableResult, Counter, Histogram, Observable } from '@opentelemetry/api'
import { PrometheusSerializer } from '@opentelemetry/exporter-prometheus'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics'
import { METRICS, type MetricSpec, SECONDS_BUCKETS } from './catalog.ts'
import type { Judged } from './diagnoses.ts'
import { AGENT_STATES } from './diagnosis.ts'
import type { Flow } from './flow.ts'
import { type LedgerRow, ledgerOf } from './ledger.ts'
import type { ProcessReading } from './process.ts'
import type { IngestFact, SpillFact, WorkFact } from './recorder.ts'
import type { Sample } from './sampler.ts'

/** What is read when somebody asks for the metrics, rather than recorded as it happens. */
export interface Observed {
  /** Of this process alone: to be had whatever is away. */
  readonly local: () => Promise<{
    readonly flow: Flow
    readonly diagnoses: ReadonlyMap<string, Judged>
    readonly process: ProcessReading
    /** Undefined where the engine has no files. */
    readonly sizeBytes: number | undefined
  }>
  /** Of the stream, which may be away: then these are missing, and no old ones stand in for them. */
  readonly sample: () => Promise<Sample>
}

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

/** The metrics of `catalog.ts` as OpenTelemetry instruments, read out as Prometheus text. */
export class Metrics {
  readonly #provider: MeterProvider
  readonly #reader = new PullReader({ cardinalitySelector: () => MAX_SERIES })
  readonly #serializer = new PrometheusSerializer('', false, undefined, true, true)
  readonly #counters = new Map<MetricSpec, Counter>()
  readonly #histograms = new Map<MetricSpec, Histogram>()
  readonly #observables = new Map<MetricSpec, Observable>()
  /** By topic, what the counters have not been told yet. */
  readonly #ingested = new Map<string, Record<(typeof INGESTED)[number] | 'bytes', number>>()

  #spill: Pick<SpillFact, 'data' | 'bytes'> = { data: 0, bytes: 0 }

  constructor(observed: Observed) {
    this.#provider = new MeterProvider({ readers: [this.#reader], resource: resourceFromAttributes({ 'service.name': 'millrace' }) })
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
    // From 0, so that the first that is spilled is a rise.
    this.spill({ data: 0, bytes: 0, spilled: 0, drained: 0 })
    // One look for all of a kind, so that what is exported together belongs together.
    const of = (stream: boolean) =>
      [...this.#observables].flatMap(([spec, observable]) => (OF_STREAM.has(spec) === stream ? [observable] : []))
    meter.addBatchObservableCallback(async result => this.#observeLocal(result, await observed.local()), of(false))
    meter.addBatchObservableCallback(async result => this.#observeStream(result, await observed.sample()), of(true))
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
    this.#tellIngested()
    const { resourceMetrics, errors } = await this.#reader.collect({ timeoutMillis: COLLECT_TIMEOUT_MS })
    return { text: `${this.#serializer.serialize(resourceMetrics).trimEnd()}\n`, errors }
  }

  async close(): Promise<void> {
    await this.#provider.shutdown()
  }

  #count(spec: MetricSpec, by: number, labels: Attributes): void {
    this.#counters.get(spec)!.add(by, labels)
  }

  #time(spec: MetricSpec, ms: number, labels: Attributes): void {
    this.#histograms.get(spec)!.record(Math.max(0, ms) / 1_000, labels)
  }

  #into(result: BatchObservableResult) {
    return (spec: MetricSpec, value: number, labels: Attributes = {}) => result.observe(this.#observables.get(spec)!, value, labels)
  }

  #observeStream(result: BatchObservableResult, sample: Sample): void {
    const put = this.#into(result)
    for (const topic of sample.topics) {
      put(METRICS.streamAppended, topic.appended, { topic: topic.spec.name })
      const retained = topic.bounds.reduce((sum, partition) => sum + partition.next - partition.first, 0)
      put(METRICS.streamRetained, retained, { topic: topic.spec.name })
    }
    // Places that were taken over no longer move; their successor's rows carry on. Those that were given up are to alarm nobody.
    const rows = ledgerOf(sample.standings, sample.atMs, sample.ended).rows.filter(row => row.replacedBy === undefined && row.over !== true)
    for (const group of Object.values(Object.groupBy(rows, row => `${row.group} ${row.topic}`))) observeReader(group!, put)
  }

  #observeLocal(result: BatchObservableResult, seen: Awaited<ReturnType<Observed['local']>>): void {
    const put = this.#into(result)
    for (const [group, agent] of seen.flow.agents) {
      const labels = labelsOf(group)
      put(METRICS.agentInFlight, agent.inHand, labels)
      put(METRICS.agentInFlightAge, agent.inHand === 0 ? 0 : Math.max(0, seen.flow.atMs - agent.inHandSinceMs) / 1_000, labels)
    }
    for (const [group, { state, process }] of seen.diagnoses) {
      const labels = labelsOf(group)
      for (const other of AGENT_STATES) put(METRICS.agentState, other === state ? 1 : 0, { ...labels, state: other })
      if (process !== undefined) put(METRICS.agentReplicas, process.wanted, labels)
    }
    put(METRICS.spillData, this.#spill.data)
    put(METRICS.spillBytes, this.#spill.bytes)
    if (seen.sizeBytes !== undefined) put(METRICS.engineSize, seen.sizeBytes)
    put(METRICS.processCpu, seen.process.cpuSeconds)
    put(METRICS.processMemory, seen.process.residentBytes)
    put(METRICS.processStart, seen.process.startSeconds)
    put(METRICS.heapUsed, seen.process.heapUsedBytes)
    put(METRICS.loopDelay, seen.process.loopDelayP99Seconds, { quantile: '0.99' })
    put(METRICS.loopDelay, seen.process.loopDelayMaxSeconds, { quantile: '1' })
    put(METRICS.loopUtilization, seen.process.loopUtilization)
  }
}

function labelsOf(group: string): Attributes {
  const at = group.lastIndexOf('@')
  return { agent: group.slice(0, at), version: group.slice(at + 1) }
}

/** One agent's rows of one topic: amounts add up, ages do not. */
function observeReader(rows: readonly LedgerRow[], put: (spec: MetricSpec, value: number, labels: Attributes) => void): void {
  const { name, version, topic } = rows[0]!
  const labels = { agent: name, version: String(version), topic }
  put(
    METRICS.agentLag,
    sum(rows, row => row.behind),
    labels,
  )
  put(METRICS.agentLagAge, Math.max(...rows.map(row => row.lagMs)) / 1_000, labels)
  put(
    METRICS.agentExpired,
    sum(rows, row => row.expired),
    labels,
  )
  // Absolute: a gap in one partition must not make up for another's.
  put(
    METRICS.ledgerGap,
    sum(rows, row => Math.abs(row.gap)),
    labels,
  )
}

function sum(rows: readonly LedgerRow[], of: (row: LedgerRow) => number): number {
  return rows.reduce((total, row) => total + of(row), 0)
}

/** Read when asked, by whoever asks: no server and no timer of its own. */
class PullReader extends MetricReader {
  protected override onForceFlush(): Promise<void> {
    return Promise.resolve()
  }
  protected override onShutdown(): Promise<void> {
    return Promise.resolve()
  }
}
