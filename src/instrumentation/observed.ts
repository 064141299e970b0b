import type { Attributes } from '@opentelemetry/api'
import { DECISIONS } from './advice/advice.ts'
import type { Given } from './advice/advisor.ts'
import type { CanaryReading } from './canaries.ts'
import { METRICS, type MetricSpec } from './catalog.ts'
import type { Judged } from './diagnoses.ts'
import { AGENT_STATES } from './diagnosis.ts'
import type { DiskReading } from './disk.ts'
import type { Flow } from './flow.ts'
import { type LedgerRow, ledgerOf } from './ledger.ts'
import type { ProcessReading } from './process.ts'
import type { SpillFact } from './recorder.ts'
import type { Sample } from './sampler.ts'
import type { SloReading } from './slo/meter.ts'
import { observeSlos } from './slo/observe.ts'

/** What is read when somebody asks for the metrics, rather than recorded as it happens. */
export interface Observed {
  /** Of this process alone: to be had whatever is away. */
  readonly local: () => Promise<Local>
  /** Of the stream, which may be away: then these are missing, and no old ones stand in for them. */
  readonly sample: () => Promise<Sample>
}

export interface Local {
  readonly flow: Flow
  readonly diagnoses: ReadonlyMap<string, Judged>
  readonly advice: readonly Given[]
  readonly slos: readonly SloReading[]
  readonly canaries: readonly CanaryReading[]
  readonly process: ProcessReading
  /** Undefined where there is no data directory. */
  readonly disk: DiskReading | undefined
}

export type Put = (spec: MetricSpec, value: number, labels?: Attributes) => void

export function observeStream(sample: Sample, put: Put): void {
  for (const topic of sample.topics) {
    put(METRICS.streamAppended, topic.appended, { topic: topic.spec.name })
    const retained = topic.bounds.reduce((sum, partition) => sum + partition.next - partition.first, 0)
    put(METRICS.streamRetained, retained, { topic: topic.spec.name })
  }
  // Places that were taken over no longer move; their successor's rows carry on. Those that were given up are to alarm nobody.
  const rows = ledgerOf(sample.standings, sample.atMs, sample.ended).rows.filter(row => row.replacedBy === undefined && row.over !== true)
  for (const group of Object.values(Object.groupBy(rows, row => `${row.group} ${row.topic}`))) observeReader(group!, put)
}

export function observeLocal(seen: Local, spill: Pick<SpillFact, 'data' | 'bytes'>, put: Put): void {
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
  observeSlos(seen.slos, put)
  for (const { path, tookMs, overdue } of seen.canaries) {
    if (tookMs !== undefined) put(METRICS.canaryTook, tookMs / 1_000, { route: path })
    put(METRICS.canaryOverdue, overdue ? 1 : 0, { route: path })
  }
  put(METRICS.spillData, spill.data)
  put(METRICS.spillBytes, spill.bytes)
  if (seen.disk !== undefined) {
    put(METRICS.engineSize, seen.disk.usedBytes)
    put(METRICS.diskFree, seen.disk.freeBytes)
    put(METRICS.diskSize, seen.disk.sizeBytes)
  }
  for (const decision of DECISIONS) put(METRICS.advice, seen.advice.filter(advice => advice.decision === decision).length, { decision })
  put(METRICS.processCpu, seen.process.cpuSeconds)
  put(METRICS.processMemory, seen.process.residentBytes)
  put(METRICS.processStart, seen.process.startSeconds)
  put(METRICS.heapUsed, seen.process.heapUsedBytes)
  put(METRICS.loopDelay, seen.process.loopDelayP99Seconds)
  put(METRICS.loopDelayMax, seen.process.loopDelayMaxSeconds)
  put(METRICS.loopUtilization, seen.process.loopUtilization)
}

function labelsOf(group: string): Attributes {
  const at = group.lastIndexOf('@')
  return { agent: group.slice(0, at), version: group.slice(at + 1) }
}

/** One agent's rows of one topic: amounts add up, ages do not. */
function observeReader(rows: readonly LedgerRow[], put: Put): void {
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
