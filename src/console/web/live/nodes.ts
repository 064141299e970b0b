import { computed, type ReadonlySignal } from '@preact/signals'
import type { AgentNode, TopicNode } from '../../api/overview.ts'
import { overview } from './overview.ts'

const agents = new Map<string, ReadonlySignal<AgentNode | undefined>>()
const topics = new Map<string, ReadonlySignal<TopicNode | undefined>>()

/** One version's part of the overview. Who reads it hears of it only when that has changed, and not of each overview. */
export function agentNode(group: string): ReadonlySignal<AgentNode | undefined> {
  return cached(agents, group, () => overview.value?.agents[group])
}

/** One topic's part of the overview. */
export function topicNode(name: string): ReadonlySignal<TopicNode | undefined> {
  return cached(topics, name, () => overview.value?.topics[name])
}

function cached<Node>(signals: Map<string, ReadonlySignal<Node>>, name: string, read: () => Node): ReadonlySignal<Node> {
  const signal = signals.get(name) ?? computed(read)
  signals.set(name, signal)
  return signal
}
