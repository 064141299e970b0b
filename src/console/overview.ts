import { type LetterCount, replayTopic } from '../agents/dead-letter.ts'
import { isShadow, liveName, shownAgent } from '../agents/shadow.ts'
import { agentOf, groupName } from '../engine/engine.ts'
import type { Judged } from '../instrumentation/diagnoses.ts'
import type { Flow, IngestFlow } from '../instrumentation/flow.ts'
import type { HealthReport } from '../instrumentation/health.ts'
import { type LedgerRow, ledgerOf } from '../instrumentation/ledger.ts'
import type { ProcessFacts } from '../instrumentation/replica.ts'
import type { Sample, TopicSample } from '../instrumentation/sampler.ts'
import { type AnyAgent, type Pipeline, versionsOf } from '../pipeline.ts'

/** What the overview is made from, all of it in memory. */
export interface Seen {
  readonly sample: Sample
  readonly flow: Flow
  readonly health: HealthReport
  readonly pipeline: Pipeline | undefined
  readonly letters: readonly LetterCount[]
  /** Whether an agent is this process's to run. Default: every one. */
  readonly runsHere?: (agent: AnyAgent) => boolean
}

/** `GET /v1/topics`. */
export function topicsToJson(seen: Omit<Seen, 'letters'>): object {
  return {
    at: iso(seen.sample.atMs),
    pipeline: seen.pipeline?.name ?? null,
    topics: seen.sample.topics.map(topic => topicToJson(topic, seen)),
  }
}

function topicToJson({ spec, bounds, appended, perSecond }: TopicSample, { flow, pipeline }: Omit<Seen, 'letters'>): object {
  const ingest = flow.ingest.get(spec.name)
  return {
    topic: spec.name,
    internal: spec.name.startsWith('_'),
    partitions: bounds.map((at, partition) => ({ partition, first: at.first, next: at.next })),
    appended,
    retained: bounds.reduce((sum, at) => sum + at.next - at.first, 0),
    in_per_second: perSecond,
    ingest: ingest === undefined ? null : ingestToJson(ingest),
    retention_seconds: spec.retentionMs / 1_000,
    retention_bytes: spec.retentionBytes ?? null,
    written_by: agentsThat(pipeline, agent => agent.kind === 'agent' && agent.to.some(to => to.kind === 'topic' && to.name === spec.name)),
    read_by: agentsThat(pipeline, agent => spec.name === replayTopic(agent) || agent.from.some(from => from.name === spec.name)),
  }
}

function agentsThat(pipeline: Pipeline | undefined, is: (agent: AnyAgent) => boolean): string[] {
  return [...(pipeline?.agents ?? [])].filter(([, agent]) => is(agent)).map(([id]) => id)
}

/** `GET /v1/agents`: those declared, and those that have left a place in the stream. @param diagnoses of those declared. */
export function agentsToJson(seen: Seen, diagnoses: ReadonlyMap<string, Judged> = new Map()): object {
  const { rows } = ledgerOf(seen.sample.standings, seen.flow.atMs, seen.sample.ended)
  const places = Map.groupBy(rows, row => row.group)
  const ids = [...new Set([...declaredIn(seen).keys(), ...places.keys()])].sort((a, b) =>
    shownAgent(agentOf(a)).localeCompare(shownAgent(agentOf(b))),
  )
  return { at: iso(seen.flow.atMs), agents: ids.map(id => agentToJson(id, places.get(id) ?? [], seen, diagnoses.get(id))) }
}

function agentToJson(id: string, rows: readonly LedgerRow[], seen: Seen, judged: Judged | undefined): object {
  const declared = declaredIn(seen).get(id)
  const { name, version } = agentOf(id)
  const share = shareOf(id, seen)
  return {
    agent: liveName(name),
    version,
    ...(isShadow(name) ? { shadow: true } : {}),
    ...(share === undefined ? {} : { ramp: share.share }),
    kind: declared?.kind ?? null,
    // One that works at another's place is as that one is.
    ...stateOf(share?.at ?? id, share === undefined ? declared : declaredIn(seen).get(share.at), rows, seen),
    diagnosis: diagnosisToJson(judged),
    replicas: replicasToJson(judged?.process),
    from: declared?.from.map(topic => topic.name) ?? [...new Set(rows.map(row => row.topic))],
    to: declared?.kind === 'agent' ? declared.to.map(to => ({ kind: to.kind, name: to.name })) : [],
    store: declared?.kind === 'storage-agent' ? declared.store.describe : null,
    ...totals(rows),
    letters_expired: seen.letters.find(({ agent, state }) => groupName(agent) === id && state === 'expired')?.count ?? 0,
    ...agentFlowToJson(id, seen),
  }
}

function declaredIn({ pipeline }: Seen): ReadonlyMap<string, AnyAgent> {
  return pipeline === undefined ? new Map() : versionsOf(pipeline)
}

/** The share of the keys that a version gets of the agent at whose place it works. */
function shareOf(id: string, { pipeline }: Seen): { readonly share: number; readonly at: string } | undefined {
  for (const [at, agent] of pipeline?.agents ?? []) {
    if (agent.kind === 'agent' && agent.ramps !== undefined && `${agent.name}@${agent.ramps.agent.version}` === id)
      return { share: agent.ramps.share, at }
  }
  return undefined
}

/**
 * running: in the pipeline and up. down: in it and not up, with the reason. elsewhere: in it, and not this process's to run. replaced:
 * another version has its place. decommissioned, promoted (of a shadow): so it was decided. draining: about to be decommissioned. removed: not
 * in the pipeline any more.
 */
function stateOf(id: string, declared: AnyAgent | undefined, rows: readonly LedgerRow[], { health, runsHere, sample }: Seen): object {
  const replacedBy = rows.find(row => row.replacedBy !== undefined)?.replacedBy
  const ending = sample.ended.get(id)
  if (ending !== undefined && replacedBy === undefined && (ending.state !== 'draining' || declared === undefined))
    return { state: ending.state, by: ending.by, since: iso(ending.atMs) }
  if (declared === undefined) return replacedBy === undefined ? { state: 'removed' } : { state: 'replaced', replaced_by: replacedBy }
  if (runsHere?.(declared) === false) return { state: 'elsewhere' }
  const part = health.parts.find(candidate => candidate.part === `agent ${shownAgent(agentOf(id))}`)
  if (part === undefined || part.ok) return { state: ending === undefined ? 'running' : ending.state }
  return { state: 'down', reason: part.reason ?? null }
}

function diagnosisToJson(judged: Judged | undefined): object | null {
  if (judged === undefined) return null
  const { state, words, datum, dataId, stack } = judged
  return {
    state,
    words,
    ...(datum === undefined ? {} : { topic: datum.topic, partition: datum.partition, offset: datum.offset, data_id: dataId ?? null }),
    ...(stack === undefined ? {} : { stack }),
  }
}

/** Of this process: how many there are to be, and how many threads run. */
function replicasToJson(process: ProcessFacts | undefined): object | null {
  if (process === undefined) return null
  const { replicas, ofPrograms, wanted } = process
  const restarts = replicas.reduce((sum, replica) => sum + replica.restarts, 0)
  return { of: ofPrograms ? 'programs' : 'threads', wanted, threads: replicas.filter(({ state }) => state === 'running').length, restarts }
}

function totals(rows: readonly LedgerRow[]): object {
  const sum = (of: (row: LedgerRow) => number) => rows.reduce((total, row) => total + of(row), 0)
  return {
    done: sum(row => row.done),
    dead: sum(row => row.dead),
    duplicate: sum(row => row.duplicate),
    lost: sum(row => row.lost),
    lag: sum(row => row.behind),
    lag_seconds: Math.max(0, ...rows.map(row => row.lagMs)) / 1_000,
    gap: sum(row => Math.abs(row.gap)),
  }
}

/** `GET /v1/flow`: how fast everything moves now. */
export function flowToJson(seen: Omit<Seen, 'letters'>): object {
  const rows = Map.groupBy(ledgerOf(seen.sample.standings, seen.flow.atMs, seen.sample.ended).rows, row => row.group)
  const ids = [...new Set([...(seen.pipeline?.agents.keys() ?? []), ...seen.flow.agents.keys()])]
  return {
    at: iso(seen.flow.atMs),
    window_seconds: seen.flow.windowMs / 1_000,
    front_end: ingestToJson(seen.flow.frontEnd),
    topics: seen.sample.topics.map(topic => ({ topic: topic.spec.name, in_per_second: topic.perSecond })),
    agents: ids.map(id => {
      const { lag, lag_seconds } = { lag: 0, lag_seconds: 0, ...totals(rows.get(id) ?? []) }
      const { name, version } = agentOf(id)
      return { agent: liveName(name), version, ...(isShadow(name) ? { shadow: true } : {}), lag, lag_seconds, ...agentFlowToJson(id, seen) }
    }),
  }
}

function ingestToJson(flow: IngestFlow): object {
  return {
    accepted_per_second: flow.acceptedPerSecond,
    duplicate_per_second: flow.duplicatePerSecond,
    rejected_per_second: flow.rejectedPerSecond,
    retry_per_second: flow.retryPerSecond,
    bytes_per_second: flow.bytesPerSecond,
  }
}

/** How much an agent handles is known of every process, by its places in the stream; the rest is of this process alone, and nothing where others run it. */
function agentFlowToJson(id: string, { flow: { agents, atMs: nowMs }, sample, pipeline, runsHere }: Omit<Seen, 'letters'>): object {
  const flow = agents.get(id)
  const declared = pipeline?.agents.get(id)
  const isElsewhere = declared !== undefined && runsHere?.(declared) === false
  return {
    handled_per_second: isElsewhere ? (sample.handledPerSecond.get(id) ?? 0) : (flow?.donePerSecond ?? 0) + (flow?.deadPerSecond ?? 0),
    outputs_per_second: flow?.outputsPerSecond ?? 0,
    dead_per_second: flow?.deadPerSecond ?? 0,
    retries_per_second: flow?.retriesPerSecond ?? 0,
    busy: flow?.busy ?? 0,
    handler_seconds: { p50: seconds(flow?.handlerP50Ms), p99: seconds(flow?.handlerP99Ms) },
    in_flight: flow?.inHand ?? 0,
    in_flight_seconds: flow === undefined || flow.inHand === 0 ? 0 : Math.max(0, nowMs - flow.inHandSinceMs) / 1_000,
  }
}

function seconds(ms: number | undefined): number | null {
  return ms === undefined ? null : ms / 1_000
}

export function iso(ms: number): string {
  return new Date(ms).toISOString()
}
