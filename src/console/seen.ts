import { type LetterCount, replayTopic } from '../agents/dead-letter.ts'
import { shownAgent } from '../agents/shadow.ts'
import { agentOf } from '../engine/engine.ts'
import type { Flow } from '../instrumentation/flow.ts'
import type { HealthReport } from '../instrumentation/health.ts'
import { type LedgerRow, ledgerOf } from '../instrumentation/ledger.ts'
import type { ProcessFacts } from '../instrumentation/replica.ts'
import type { Sample } from '../instrumentation/sampler.ts'
import { type AnyAgent, type Pipeline, versionsOf } from '../pipeline.ts'
import type { AgentNode } from './api/overview.ts'

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

/** The places of every group, in the order of what people call them. */
export type Groups = ReadonlyMap<string, readonly LedgerRow[]>

/** Those that are declared, and those that have left a place in the stream. */
export function groupsIn(seen: Omit<Seen, 'letters'>): Groups {
  const places = Map.groupBy(ledgerOf(seen.sample.standings, seen.flow.atMs, seen.sample.ended).rows, row => row.group)
  const ids = [...new Set([...declaredIn(seen).keys(), ...places.keys()])].map(id => ({ id, shown: shownAgent(agentOf(id)) }))
  ids.sort((a, b) => a.shown.localeCompare(b.shown))
  return new Map(ids.map(({ id }) => [id, places.get(id) ?? []]))
}

export function declaredIn({ pipeline }: Pick<Seen, 'pipeline'>): ReadonlyMap<string, AnyAgent> {
  return pipeline === undefined ? new Map() : versionsOf(pipeline)
}

/** The share of the keys that a version gets of the agent at whose place it works. */
export function shareOf(id: string, { pipeline }: Pick<Seen, 'pipeline'>): { readonly share: number; readonly at: string } | undefined {
  for (const [at, agent] of pipeline?.agents ?? []) {
    if (agent.kind === 'agent' && agent.ramps !== undefined && `${agent.name}@${agent.ramps.agent.version}` === id)
      return { share: agent.ramps.share, at }
  }
  return undefined
}

export interface StateSeen {
  readonly state: AgentNode['state']
  readonly reason?: string | null
  readonly replaced_by?: string
  readonly by?: string
  readonly since?: string
}

/**
 * running: in the pipeline and up. down: in it and not up, with the reason. elsewhere: in it, and not this process's to run. replaced:
 * another version has its place. paused: so it was decided, for every process. decommissioned, promoted (of a shadow): so it was decided. draining: about to be decommissioned. removed: not
 * in the pipeline any more. One that works at another's place is as that one is.
 */
export function stateOf(id: string, rows: readonly LedgerRow[], seen: Omit<Seen, 'letters'>): StateSeen {
  const { health, runsHere, sample } = seen
  const at = shareOf(id, seen)?.at ?? id
  const declared = declaredIn(seen).get(at)
  const replacedBy = rows.find(row => row.replacedBy !== undefined)?.replacedBy
  const ending = sample.ended.get(at)
  if (ending !== undefined && replacedBy === undefined && (ending.state !== 'draining' || declared === undefined))
    return { state: ending.state, by: ending.by, since: iso(ending.atMs) }
  const paused = sample.paused.get(at)
  // Without a pipeline nobody says whether it is still declared.
  if (paused !== undefined && replacedBy === undefined && (declared !== undefined || seen.pipeline === undefined))
    return { state: 'paused', by: paused.by, since: iso(paused.atMs) }
  if (declared === undefined) return replacedBy === undefined ? { state: 'removed' } : { state: 'replaced', replaced_by: replacedBy }
  if (runsHere?.(declared) === false) return { state: 'elsewhere' }
  const part = health.parts.find(candidate => candidate.part === `agent ${shownAgent(agentOf(at))}`)
  if (part === undefined || part.ok) return { state: ending === undefined ? 'running' : ending.state }
  return { state: 'down', reason: part.reason ?? null }
}

/** Of this process: how many there are to be, and how many threads run. */
export function replicasOf({ replicas, ofPrograms, wanted }: ProcessFacts): NonNullable<AgentNode['replicas']> {
  const restarts = replicas.reduce((sum, replica) => sum + replica.restarts, 0)
  return { of: ofPrograms ? 'programs' : 'threads', wanted, threads: replicas.filter(({ state }) => state === 'running').length, restarts }
}

/** The agents of the pipeline that write a topic, and those that read it. */
export function aroundTopic(name: string, pipeline: Pipeline | undefined): { readonly written_by: string[]; readonly read_by: string[] } {
  const agents = [...(pipeline?.agents ?? [])]
  const idsOf = (is: (agent: AnyAgent) => boolean) => agents.filter(([, agent]) => is(agent)).map(([id]) => id)
  return {
    written_by: idsOf(agent => agent.kind === 'agent' && agent.to.some(to => to.kind === 'topic' && to.name === name)),
    read_by: idsOf(agent => name === replayTopic(agent) || agent.from.some(from => from.name === name)),
  }
}

/** How much an agent handles is known of every process, by its places in the stream; the rest is of this process alone, and nothing where others run it. */
export function agentFlowOf(id: string, { flow: { agents, atMs: nowMs }, sample, pipeline, runsHere }: Omit<Seen, 'letters'>) {
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
