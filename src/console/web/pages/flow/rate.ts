import type { Overview } from '../../../api/overview.ts'
import type { Edge } from './graph.ts'

/** How many data a second flow along an edge. `exact`: false where only the whole is known that several agents write together. */
export interface Rate {
  readonly perSecond: number
  readonly exact: boolean
}

/**
 * What is known of an edge. Readings are counted one by one. Of what an agent writes only the sum over all of its outputs is, so a topic that
 * it writes alone tells the rate, and an agent with one output does; else it is a part of what comes into the topic.
 */
export function rateOf(edge: Edge, { topics, agents }: Pick<Overview, 'topics' | 'agents'>): Rate | undefined {
  if (edge.kind === 'reads') return exactly(agents[edge.to.group!]?.from[edge.topic!]?.per_second)
  if (edge.kind === 'enters') return exactly(topics[edge.topic!]?.in_per_second)
  const agent = agents[edge.from.group!]
  if (edge.kind === 'stores') return exactly(agent?.handled_per_second)
  if (agent?.to.length === 1) return exactly(agent.outputs_per_second)
  const into = edge.topic === undefined ? undefined : topics[edge.topic]?.in_per_second
  if (into === undefined) return undefined
  const isShared = Object.values(agents).filter(({ to }) => to.some(({ kind, name }) => kind === 'topic' && name === edge.topic)).length > 1
  return { perSecond: into, exact: !isShared }
}

function exactly(perSecond: number | undefined): Rate | undefined {
  return perSecond === undefined ? undefined : { perSecond, exact: true }
}

/** A wire's width: each tenfold of the rate is as much wider, so that the difference is seen from one a second to a million. */
export function wireWidth(perSecond: number): number {
  return Math.round((1.5 + Math.log10(1 + perSecond)) * 2) / 2
}
