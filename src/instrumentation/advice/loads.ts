import { availableParallelism } from 'node:os'
import { isShadow } from '../../agents/shadow.ts'
import { agentOf } from '../../engine/engine.ts'
import type { AnyAgent } from '../../pipeline.ts'
import type { Judged } from '../diagnoses.ts'
import type { Flow } from '../flow.ts'
import type { PartitionLoads } from '../partition-loads.ts'
import { placeFlow } from '../place-flow.ts'
import type { Sample } from '../sampler.ts'
import type { Slowest } from '../slo/meter.ts'
import type { AgentLoad } from './load.ts'

export interface Seen {
  readonly sample: Sample
  readonly flow: Flow
  readonly diagnoses: ReadonlyMap<string, Judged>
  readonly partitions: PartitionLoads
  /** By agent, the missed objectives that it takes the time of. */
  readonly slowest?: ReadonlyMap<string, Slowest>
}

/**
 * What the agents have to do and how they cope, of those that this process runs: how busy others are is known to them alone. An agent that
 * nobody runs is among them. Shadows are not: what they cost ends with them.
 */
export function loadsOf(agents: ReadonlyMap<string, AnyAgent>, seen: Seen): readonly AgentLoad[] {
  return [...agents].flatMap(([id, agent]) => {
    const judged = seen.diagnoses.get(id)
    if (judged === undefined || isShadow(agentOf(id).name)) return []
    // What it has before it is as somebody wants it.
    if (judged.state === 'paused') return []
    if (judged.process === undefined && judged.state !== 'no_process') return []
    return [loadOf(id, agent, judged, seen)]
  })
}

function loadOf(id: string, agent: AnyAgent, { state, words, process }: Judged, { sample, flow, partitions, slowest }: Seen): AgentLoad {
  const { busy, handledPerSecond } = placeFlow(flow, agent)
  const replicas = process?.wanted ?? 0
  const loops = process?.replicas.reduce((sum, { loop = 0 }) => sum + loop, 0) ?? 0
  const rollMs = agent.kind === 'storage-agent' ? agent.store.roll.ageMs : 0
  const own = partitions.of(id, sample)
  const missed = slowest?.get(id)
  return {
    agent: id,
    state,
    stateWords: words,
    replicas,
    mostReplicas: process?.most ?? 0,
    isStore: agent.kind === 'storage-agent',
    shared: process?.ofPrograms ?? false,
    partitions: own,
    handledPerSecond,
    secondsPerDatum: handledPerSecond === 0 ? undefined : busy / handledPerSecond,
    busy: replicas === 0 ? 0 : busy / replicas,
    // Programs compute in processes of their own: what their thread does says nothing of them.
    computing: process?.ofPrograms || replicas === 0 ? busy / Math.max(1, replicas) : loops / replicas,
    processors: availableParallelism(),
    lagMs: Math.max(0, ...own.map(partition => partition.lagMs - rollMs)),
    ...(missed === undefined
      ? {}
      : { objective: { name: missed.slo.name, withinMs: missed.slo.withinMs, burn: missed.burn, serviceMs: missed.serviceMs, rollMs } }),
  }
}
