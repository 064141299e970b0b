import type { AgentNode, Overview, TopicNode } from '../../../api/overview.ts'
import type { Edge } from './graph.ts'

/** How many data a second flow along an edge. `exact`: false where only the whole is known that several agents write together. */
export interface Rate {
  readonly perSecond: number
  readonly exact: boolean
}

/** What an edge's numbers are of: the agent at its end, and the topic. */
export interface Sides {
  readonly agent: AgentNode | undefined
  readonly topic: TopicNode | undefined
}

export function sidesOf({ from, to, topic }: Edge, { topics, agents }: Pick<Overview, 'topics' | 'agents'>): Sides {
  const group = to.group ?? from.group
  return { agent: group === undefined ? undefined : agents[group], topic: topic === undefined ? undefined : topics[topic] }
}

/**
 * What is known of an edge. Readings are counted one by one. Of what an agent writes only the sum over all of its topics is, so an agent
 * with one topic tells the rate, and a topic that it writes alone does; else it is a part of what comes into the topic.
 */
export function rateOf(edge: Edge, { agent, topic }: Sides): Rate | undefined {
  if (edge.kind === 'reads') return exactly(agent?.from[edge.topic!]?.per_second)
  if (edge.kind === 'enters') return exactly(topic?.in_per_second)
  if (edge.kind === 'stores') return exactly(agent?.handled_per_second)
  // What it writes to a cache is not counted.
  if (topic !== undefined && agent?.to.filter(({ kind }) => kind === 'topic').length === 1) return exactly(agent.outputs_per_second)
  return topic === undefined ? undefined : { perSecond: topic.in_per_second, exact: edge.shared !== true }
}

/** What waits on an edge; undefined where no agent reads. */
export function readingOn({ kind, topic }: Edge, { agent }: Sides): AgentNode['from'][string] | undefined {
  return kind === 'reads' ? agent?.from[topic!] : undefined
}

function exactly(perSecond: number | undefined): Rate | undefined {
  return perSecond === undefined ? undefined : { perSecond, exact: true }
}

/** A wire's width: each tenfold of the rate is as much wider, so that the difference is seen from one a second to a million. */
export function wireWidth(perSecond: number): number {
  return Math.round((1.5 + Math.log10(1 + perSecond)) * 2) / 2
}
