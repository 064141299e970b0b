import type { AgentNode, Overview } from '../../../api/overview.ts'

/** A box of the graph. The versions of one agent stand side by side in one, a row each. */
export interface Box {
  /** `producers`, `topic:demand`, `agent:forecast`, `cache:averages`, `store:./lake`. */
  readonly id: string
  readonly kind: 'producers' | 'topic' | 'agent' | 'cache' | 'store'
  readonly name: string
  /** Of an agent: its groups, the newest version last. Of everything else none. */
  readonly groups: readonly string[]
}

/** What flows: into a topic from producers, to an agent, from it, and into a store. */
export interface Edge {
  /** Both ends, as they stand in the URL. */
  readonly id: string
  readonly kind: 'enters' | 'reads' | 'writes' | 'stores'
  readonly from: End
  readonly to: End
  /** The topic whose data flow here; a cache and a store have none. */
  readonly topic?: string
  /** Several agents write this topic, and how much each does is not known. */
  readonly shared?: true
}

/** Where an edge ends: a box, and in an agent's the row of its version. */
export interface End {
  readonly box: string
  readonly group?: string
}

export interface Graph {
  readonly boxes: readonly Box[]
  readonly edges: readonly Edge[]
}

/** Versions that have ended, for good or for another one. */
const ENDED: ReadonlySet<AgentNode['state']> = new Set(['replaced', 'decommissioned', 'promoted', 'removed'])

export function hasEnded(agent: AgentNode): boolean {
  return ENDED.has(agent.state)
}

/** What the pipeline declares, as a graph. It is the same whatever flows in it: see {@link sameGraph}. @param ended whether versions that have ended are in it. */
export function graphOf({ topics, agents }: Pick<Overview, 'topics' | 'agents'>, ended = false): Graph {
  const boxes = new Map<string, Box>()
  const edges: Edge[] = []
  const box = (kind: Box['kind'], name: string, groups: readonly string[] = []): string => {
    const id = kind === 'producers' ? kind : `${kind}:${name}`
    if (!boxes.has(id)) boxes.set(id, { id, kind, name, groups })
    return id
  }
  const shown = Object.entries(agents).filter(([, agent]) => ended || !hasEnded(agent))
  for (const [name, { entry }] of Object.entries(topics)) {
    const topic = box('topic', name)
    if (!entry) continue
    edges.push(edgeOf('enters', { box: box('producers', 'Producers') }, { box: topic }, name))
  }
  for (const [name, versions] of Map.groupBy(shown, ([, { agent }]) => agent)) {
    const groups = versions.toSorted(([, a], [, b]) => a.version - b.version || Number(a.shadow) - Number(b.shadow)).map(([group]) => group)
    box('agent', name, groups)
  }
  const writers = new Map<string, number>()
  for (const [, { to }] of shown) for (const { name } of to) writers.set(name, (writers.get(name) ?? 0) + 1)
  for (const [group, agent] of shown) {
    const end = { box: `agent:${agent.agent}`, group }
    for (const topic of Object.keys(agent.from)) edges.push(edgeOf('reads', { box: box('topic', topic) }, end, topic))
    for (const { kind, name } of agent.to) {
      const edge = edgeOf('writes', end, { box: box(kind, name) }, kind === 'topic' ? name : undefined)
      edges.push((writers.get(name) ?? 0) > 1 ? { ...edge, shared: true } : edge)
    }
    const store = agent.store ?? undefined
    if (store !== undefined) edges.push(edgeOf('stores', end, { box: box('store', store) }))
  }
  return { boxes: [...boxes.values()], edges }
}

function edgeOf(kind: Edge['kind'], from: End, to: End, topic?: string): Edge {
  return { id: edgeId(from, to), kind, from, to, ...(topic === undefined ? {} : { topic }) }
}

function edgeId(from: End, to: End): string {
  return `${endId(from)}/${endId(to)}`
}

/** `agent:forecast@2` names a version, `agent:forecast` its box. */
export function endId({ box, group }: End): string {
  return group === undefined ? box : `agent:${group}`
}

/** Whether two graphs are drawn alike: then the layout stays as it is. */
export function sameGraph(one: Graph, other: Graph): boolean {
  return (
    one.boxes.length === other.boxes.length &&
    one.edges.length === other.edges.length &&
    one.boxes.every((box, i) => box.id === other.boxes[i]!.id && box.groups.join() === other.boxes[i]!.groups.join()) &&
    one.edges.every((edge, i) => edge.id === other.edges[i]!.id)
  )
}
