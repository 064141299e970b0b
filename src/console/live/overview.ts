import { isShadow, liveName } from '../../agents/shadow.ts'
import { agentOf } from '../../engine/engine.ts'
import type { Judged } from '../../instrumentation/diagnoses.ts'
import { readingName, type Sample, type TopicSample } from '../../instrumentation/sampler.ts'
import type { AgentNode, Overview, TopicNode } from '../api/overview.ts'
import { agentFlowOf, aroundTopic, declaredIn, type Groups, groupsIn, iso, replicasOf, type Seen, shareOf, stateOf } from '../seen.ts'
import { readingOf } from './reading.ts'
import { rounded } from './rounded.ts'

export interface LiveSeen extends Seen {
  readonly diagnoses: ReadonlyMap<string, Judged>
  /** How many pieces of advice there are, and how many objectives are missed. */
  readonly advice: number
  readonly slosMissed: number
}

/** All that the console shows live. What is declared is in it from the start; what is in the stream and not declared any more as well. */
export function overviewOf(seen: LiveSeen): Overview {
  const { flow, health, pipeline, letters } = seen
  const { frontEnd } = flow
  const groups = groupsIn(seen)
  return {
    at: iso(flow.atMs),
    ...(pipeline === undefined ? {} : { pipeline: pipeline.name }),
    front_end: {
      accepted_per_second: rounded(frontEnd.acceptedPerSecond),
      duplicate_per_second: rounded(frontEnd.duplicatePerSecond),
      rejected_per_second: rounded(frontEnd.rejectedPerSecond),
      retry_per_second: rounded(frontEnd.retryPerSecond),
      bytes_per_second: rounded(frontEnd.bytesPerSecond),
    },
    topics: topicNodes(seen),
    agents: Object.fromEntries([...groups.keys()].map(id => [id, agentNode(id, groups, seen, seen.diagnoses.get(id))])),
    ready: health.ok,
    reasons: [...health.reasons],
    dead_letters: letters.reduce((sum, { state, count }) => sum + (state === 'dead' ? count : 0), 0),
    advice: seen.advice,
    slos_missed: seen.slosMissed,
  }
}

/** Users' topics, and those of Millrace's own that the declared graph has between two agents. */
function topicNodes({ sample, pipeline }: LiveSeen): Record<string, TopicNode> {
  const samples = new Map(sample.topics.map(topic => [topic.spec.name, topic]))
  const users = sample.topics.map(({ spec }) => spec.name).filter(name => !name.startsWith('_'))
  const names = [...new Set([...(pipeline?.topics.keys() ?? []), ...users])].sort()
  return Object.fromEntries(
    names.flatMap(name => {
      const sample = samples.get(name)
      const spec = pipeline?.topics.get(name)?.spec ?? sample?.spec
      return spec === undefined ? [] : [[name, topicNode(name, spec, sample, aroundTopic(name, pipeline).written_by.length === 0)]]
    }),
  )
}

function topicNode(name: string, spec: TopicSample['spec'], sample: TopicSample | undefined, isUnwritten: boolean): TopicNode {
  return {
    partitions: spec.partitions,
    entry: isUnwritten && !name.startsWith('_'),
    in_per_second: rounded(sample?.perSecond ?? 0),
    retained: sample?.bounds.reduce((sum, at) => sum + at.next - at.first, 0) ?? 0,
    // JSON has no infinity: what is kept for ever has no age.
    ...(Number.isFinite(spec.retentionMs) ? { retention_seconds: spec.retentionMs / 1_000 } : {}),
  }
}

/** One version of an agent, as Flow draws it. @param groups as {@link groupsIn} gives them. */
export function agentNode(id: string, groups: Groups, seen: Omit<Seen, 'letters'>, judged: Judged | undefined): AgentNode {
  const rows = groups.get(id) ?? []
  const declared = declaredIn(seen).get(id)
  const { name, version } = agentOf(id)
  const share = shareOf(id, seen)
  const { handler_seconds, ...flow } = agentFlowOf(id, seen)
  return {
    agent: liveName(name),
    version,
    shadow: isShadow(name),
    ...(declared === undefined ? {} : { kind: declared.kind }),
    state: stateOf(id, rows, seen).state,
    ...(judged === undefined ? {} : { diagnosis: { state: judged.state, words: judged.words } }),
    from: readingsOf(share?.at ?? id, declared?.from.map(topic => topic.name) ?? rows.map(row => row.topic), groups, seen.sample),
    to: declared?.kind === 'agent' ? declared.to.map(to => ({ kind: to.kind, name: to.name })) : [],
    ...(declared?.kind === 'storage-agent' ? { store: declared.store.describe } : {}),
    ...(share === undefined ? {} : { ramp: share.share }),
    handled_per_second: rounded(flow.handled_per_second),
    outputs_per_second: rounded(flow.outputs_per_second),
    dead_per_second: rounded(flow.dead_per_second),
    busy: rounded(flow.busy),
    handler_seconds: {
      ...(handler_seconds.p50 === null ? {} : { p50: rounded(handler_seconds.p50) }),
      ...(handler_seconds.p99 === null ? {} : { p99: rounded(handler_seconds.p99) }),
    },
    in_flight: flow.in_flight,
    in_flight_seconds: rounded(flow.in_flight_seconds),
    ...(judged?.process === undefined ? {} : { replicas: replicasOf(judged.process) }),
    done: rows.reduce((sum, row) => sum + row.done, 0),
    dead: rows.reduce((sum, row) => sum + row.dead, 0),
  }
}

/** Of each topic, how far the agent is in it at its place. Its replay topic is no part of the graph. */
function readingsOf(
  group: string,
  topics: readonly string[],
  groups: Groups,
  { topics: samples, passedPerSecond }: Sample,
): AgentNode['from'] {
  const rows = groups.get(group) ?? []
  return Object.fromEntries(
    topics.map(topic => {
      const places = rows.filter(row => row.topic === topic)
      const sample = samples.find(({ spec }) => spec.name === topic)
      return [topic, readingOf(places, sample, passedPerSecond.get(readingName(group, topic)) ?? 0)]
    }),
  )
}
