import { isShadow, liveName, shownAgent } from '../agents/shadow.ts'
import { type AnyAgent, type Pipeline, versionsOf } from '../pipeline.ts'
import { paint } from './output.ts'
import { lengthText, table } from './table.ts'

/** The pipeline as data, for --json. */
export function graphToJson(pipeline: Pipeline): Record<string, unknown> {
  return {
    pipeline: pipeline.name,
    topics: [...pipeline.topics.values()].map(topic => ({
      name: topic.name,
      partitions: topic.spec.partitions,
      keyed: topic.keyOf !== undefined,
      entry: pipeline.entries.includes(topic),
      retention_seconds: topic.spec.retentionMs / 1_000,
      ...(topic.spec.retentionBytes === undefined ? {} : { retention_bytes: topic.spec.retentionBytes }),
    })),
    caches: [...pipeline.caches.keys()],
    agents: [...versionsOf(pipeline).values()].map(agent => ({
      name: liveName(agent.name),
      version: agent.version,
      ...(isShadow(agent.name) ? { shadow: true } : {}),
      kind: agent.kind,
      from: agent.from.map(topic => topic.name),
      to: targets(agent),
      ...(agent.kind === 'storage-agent' ? { store: agent.store.describe } : {}),
      ...(agent.replaces === undefined ? {} : { replaces: agent.replaces }),
      ...(agent.kind === 'agent' && agent.ramp !== undefined ? { ramp: agent.ramp } : {}),
    })),
  }
}

/** The pipeline drawn: each topic, then each agent from what it reads to what it writes. */
export function drawGraph(pipeline: Pipeline): string {
  const topics = [...pipeline.topics.values()].map(topic => [
    topic.name,
    topic.spec.partitions,
    topic.keyOf === undefined ? 'by id' : 'by key',
    lengthText(topic.spec.retentionMs),
    pipeline.entries.includes(topic) ? 'producers' : writersOf(pipeline, topic.name),
  ])
  const agents = [...versionsOf(pipeline).values()].map(agent => [
    agent.from.map(topic => topic.name).join(', '),
    `→ ${shownAgent(agent)}`,
    `→ ${agent.kind === 'storage-agent' ? agent.store.describe : targets(agent).join(', ') || 'nothing'}`,
  ])
  return [
    `${paint('bold', pipeline.name)}: ${count(topics.length, 'topic')}, ${count(agents.length, 'agent')}, ${count(pipeline.caches.size, 'cache')}`,
    table(['TOPIC', 'PARTITIONS', 'PLACED', 'KEPT', 'WRITTEN BY'], topics),
    table(['READS', 'AGENT', 'WRITES'], agents),
  ].join('\n\n')
}

function targets(agent: AnyAgent): string[] {
  return agent.kind === 'agent' ? agent.to.map(to => (to.kind === 'cache' ? `cache ${to.name}` : to.name)) : []
}

function writersOf(pipeline: Pipeline, topic: string): string {
  const writers = [...versionsOf(pipeline).values()].filter(
    agent => agent.kind === 'agent' && agent.to.some(to => to.kind === 'topic' && to.name === topic),
  )
  return writers.map(shownAgent).join(', ')
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`
}
