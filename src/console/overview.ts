import { isShadow, liveName } from '../agents/shadow.ts'
import { agentOf, groupName } from '../engine/engine.ts'
import type { Judged } from '../instrumentation/diagnoses.ts'
import type { IngestFlow } from '../instrumentation/flow.ts'
import { type LedgerRow, ledgerOf } from '../instrumentation/ledger.ts'
import type { TopicSample } from '../instrumentation/sampler.ts'
import { agentFlowOf, aroundTopic, declaredIn, groupsIn, iso, replicasOf, type Seen, shareOf, stateOf } from './seen.ts'

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
    ...aroundTopic(spec.name, pipeline),
  }
}

/** `GET /v1/agents`: those declared, and those that have left a place in the stream. @param diagnoses of those declared. */
export function agentsToJson(seen: Seen, diagnoses: ReadonlyMap<string, Judged> = new Map()): object {
  return { at: iso(seen.flow.atMs), agents: [...groupsIn(seen)].map(([id, rows]) => agentToJson(id, rows, seen, diagnoses.get(id))) }
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
    ...stateOf(id, rows, seen),
    diagnosis: diagnosisToJson(judged),
    replicas: judged?.process === undefined ? null : replicasOf(judged.process),
    from: declared?.from.map(topic => topic.name) ?? [...new Set(rows.map(row => row.topic))],
    to: declared?.kind === 'agent' ? declared.to.map(to => ({ kind: to.kind, name: to.name })) : [],
    store: declared?.kind === 'storage-agent' ? declared.store.describe : null,
    ...totals(rows),
    letters_expired: seen.letters.find(({ agent, state }) => groupName(agent) === id && state === 'expired')?.count ?? 0,
    ...agentFlowOf(id, seen),
  }
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
      return { agent: liveName(name), version, ...(isShadow(name) ? { shadow: true } : {}), lag, lag_seconds, ...agentFlowOf(id, seen) }
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
