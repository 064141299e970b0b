import type { Agent } from './agents/agent.ts'
import type { Cache } from './agents/cache.ts'
import { shadowGatherer, shadowOf } from './agents/shadow.ts'
import { withOwnAgents } from './agents/windows/own-agents.ts'
import type { Duration } from './duration.ts'
import { MillraceError } from './errors.ts'
import { checkCanary } from './objectives/canary.ts'
import { checkSlos, type Slo, type SloOptions } from './objectives/slo.ts'
import type { StorageAgent } from './storage/storage.ts'
import { checkName, type Topic } from './stream/topic.ts'

export type AnyAgent = Agent | StorageAgent

/** A checked graph: every topic that an agent reads or writes, every agent, every cache, each by its name. */
export interface Pipeline {
  readonly kind: 'pipeline'
  readonly name: string
  readonly topics: ReadonlyMap<string, Topic>
  readonly caches: ReadonlyMap<string, Cache>
  /** By `name@version`, a shadow by the name that it has in the engine. */
  readonly agents: ReadonlyMap<string, AnyAgent>
  /** Topics that no agent writes: where producers send. A producer may send to the others too, where its key names them. */
  readonly entries: readonly Topic[]
  /** What it is to keep, as declared. */
  readonly slos: readonly Slo[]
  /** Between two canaries, milliseconds; undefined where none are sent. */
  readonly canaryMs: number | undefined
  /** What it was made from: decisions about its versions are applied to that. */
  readonly declared: PipelineOptions
}

export interface PipelineOptions {
  readonly agents: readonly AnyAgent[]
  /** Topics that no agent reads or writes yet, and those whose names other declarations must match. */
  readonly topics?: readonly Topic[]
  /** Objectives: what share of the data is to be where, and when. One, or a list. */
  readonly slo?: SloOptions | readonly SloOptions[]
  /** Sends a canary along every path so often, a second at least, and measures how long each takes. Without it none is sent. */
  readonly canary?: Duration
}

/** Declares a pipeline and checks its graph. @throws GRAPH_INVALID naming the agent and what to do. */
export function pipeline(name: string, options: PipelineOptions): Pipeline {
  checkName('pipeline', name)
  if (!Array.isArray(options?.agents))
    throw invalid(`pipeline('${name}') has no list of agents.`, 'Give it one: { agents: [forecast, lake] }.')
  const live = checkDeclared(name, options)
  const running = [...live.values()].flatMap(agent => runningAs(agent, live))
  const targets = running.flatMap(agent => (agent.kind === 'agent' ? agent.to : []))
  const used = running.flatMap(agent => [...agent.from, ...(agent.kind === 'agent' ? agent.to : [])])
  const topics = byName([...(options.topics ?? []), ...used.filter(each => each.kind === 'topic')])
  // The targets themselves, not their names: a cache may be called as a topic is.
  const written = new Set<unknown>(targets)
  const declared = { agents: [...live.values()], topics: byName([...topics.values(), ...topicsOf(live.values())]) }
  return {
    kind: 'pipeline',
    name,
    topics,
    caches: byName(targets.filter(to => to.kind === 'cache')),
    agents: new Map(running.map(agent => [`${agent.name}@${agent.version}`, agent])),
    entries: [...topics.values()].filter(topic => !written.has(topic)),
    slos: checkSlos(name, options.slo, declared),
    canaryMs: checkCanary(name, options.canary, declared),
    declared: options,
  }
}

function topicsOf(agents: Iterable<AnyAgent>): Topic[] {
  return [...agents].flatMap(agent => [...agent.from, ...(agent.kind === 'agent' ? agent.to : [])]).filter(each => each.kind === 'topic')
}

/** What runs where an agent is declared: itself, its shadow form, it with the one that gets a share of its keys, or nothing where it is that one. */
function runningAs(agent: AnyAgent, all: ReadonlyMap<string, AnyAgent>): AnyAgent[] {
  if (agent.kind !== 'agent') return [agent]
  if (agent.shadow) return [shadowOf(agent)]
  if (agent.partOf !== undefined) return [gatherer(agent, [...all.values()])]
  if (isLive(all.get(`${agent.name}@${agent.replaces}`))) return []
  const next = [...all.values()].find(other => other.name === agent.name && other.replaces === agent.version)
  return next?.kind === 'agent' ? [{ ...agent, ramps: { agent: next, share: next.ramp ?? 0 } }] : [agent]
}

/** As it is, or with its late data kept apart where it gathers for shadows alone. */
function gatherer(own: Agent, all: readonly AnyAgent[]): Agent {
  // The topic of Millrace's own; the other one is the user's, for late data.
  const between = own.to.find(({ name }) => name.startsWith('_'))
  const readers = all.filter(({ from }) => from.some(topic => topic === between))
  return between === undefined || readers.some(isLive) ? own : shadowGatherer(own, between)
}

function isLive(agent: AnyAgent | undefined): boolean {
  return agent !== undefined && !(agent.kind === 'agent' && agent.shadow)
}

/**
 * Checks the graph as it would be with every shadow promoted: what cannot be promoted need not be tried as a shadow.
 * @returns the agents as declared, by name@version.
 */
function checkDeclared(name: string, options: PipelineOptions): ReadonlyMap<string, AnyAgent> {
  const topics = new Map<string, Topic>()
  const caches = new Map<string, Cache>()
  const agents = new Map<string, AnyAgent>()
  for (const declared of options.topics ?? []) addTopic(topics, declared, `pipeline('${name}')`)
  for (const agent of withOwnAgents(options.agents)) {
    addAgent(agents, agent, name)
    const say = describe(agent)
    if (agent.from.length === 0) throw invalid(`${say} has no input.`, 'Give it the topic that it reads: from: demand.')
    for (const from of agent.from) {
      if (from?.kind !== 'topic')
        throw invalid(`${say} reads from something that is not a topic.`, 'Declare it with topic(…) and give that: from: demand.')
      addTopic(topics, from, say)
    }
    if (new Set(agent.from).size !== agent.from.length) throw invalid(`${say} reads a topic twice.`, 'Name each of its topics once.')
    if (agent.kind !== 'agent') continue
    for (const to of agent.to) {
      if (to?.kind === 'topic') addTopic(topics, to, say)
      else if (to?.kind === 'cache') addCache(caches, to, say)
      else
        throw invalid(
          `${say} writes to something that is neither a topic nor a cache.`,
          'Declare it with topic(…) or cache(…) and give that: to: prediction.',
        )
    }
  }
  checkReplaced(agents)
  checkCycles(agents)
  return agents
}

function byName<T extends { readonly name: string }>(list: readonly T[]): ReadonlyMap<string, T> {
  return new Map(list.map(each => [each.name, each]))
}

/** Every version that works, by `name@version`: also one that works at another's place, on a share of its keys. */
export function versionsOf({ agents }: Pick<Pipeline, 'agents'>): ReadonlyMap<string, AnyAgent> {
  const versions = new Map(agents)
  for (const agent of agents.values()) {
    if (agent.kind === 'agent' && agent.ramps !== undefined) versions.set(`${agent.name}@${agent.ramps.agent.version}`, agent.ramps.agent)
  }
  return versions
}

export function isPipeline(value: unknown): value is Pipeline {
  return typeof value === 'object' && value !== null && (value as { kind?: unknown }).kind === 'pipeline'
}

function addAgent(agents: Map<string, AnyAgent>, agent: AnyAgent, pipelineName: string): void {
  if (agent?.kind !== 'agent' && agent?.kind !== 'storage-agent') {
    throw invalid(
      `pipeline('${pipelineName}') was given something that is not an agent.`,
      'Its agents come from agent(…) or storageAgent(…).',
    )
  }
  const id = `${agent.name}@${agent.version}`
  if (agents.has(id)) throw invalid(`Two agents are both ${id}.`, 'Raise the version of one, or rename it.')
  agents.set(id, agent)
}

function addTopic(topics: Map<string, Topic>, topic: Topic, say: string): void {
  const known = topics.get(topic.name)
  if (known !== undefined && known !== topic) {
    throw invalid(
      `${say} uses a topic '${topic.name}' that is not the one declared before under that name.`,
      'Declare each topic once and share the constant, or rename one.',
    )
  }
  topics.set(topic.name, topic)
}

function addCache(caches: Map<string, Cache>, cache: Cache, say: string): void {
  const known = caches.get(cache.name)
  if (known !== undefined && known !== cache)
    throw invalid(`${say} uses a cache '${cache.name}' that is declared twice.`, 'Declare it once and share the constant.')
  caches.set(cache.name, cache)
}

function checkReplaced(agents: ReadonlyMap<string, AnyAgent>): void {
  for (const agent of agents.values()) {
    if (agent.replaces === undefined) continue
    const old = `${agent.name}@${agent.replaces}`
    const still = agents.get(old)
    // As a shadow the old version may be compared with the new one.
    if (still !== undefined && isLive(still) && !(agent.kind === 'agent' && agent.ramp !== undefined))
      throw invalid(
        `${describe(agent)} replaces ${old}, which is still in the pipeline.`,
        `Remove ${old}, drop 'replaces' to run both side by side, or give it a share of the keys: ramp: 0.1.`,
      )
    if (still !== undefined && isLive(still)) checkRamp(agent, still)
    const rival = [...agents.values()].find(other => other !== agent && other.name === agent.name && other.replaces === agent.replaces)
    if (rival !== undefined)
      throw invalid(
        `${describe(agent)} and ${describe(rival)} both replace ${old}.`,
        "Only one can take over its place: drop one's 'replaces'.",
      )
  }
}

/** Both work at one place, with one window or state, and their outputs are told apart by nobody but people. */
function checkRamp(next: AnyAgent, old: AnyAgent): void {
  if (next.kind !== 'agent' || old.kind !== 'agent')
    throw invalid(`${describe(next)} is to get a share of the keys of ${describe(old)}, which is of another kind.`, "Drop its 'ramp'.")
  if (next.batch !== undefined || old.batch !== undefined)
    throw invalid(
      `${describe(next)} is to get a share of the keys of ${describe(old)}, and a handler of batches takes data of all keys at once.`,
      'Run it as a shadow first and promote it.',
    )
  if (next.remote?.isAttached === true || old.remote?.isAttached === true)
    throw invalid(
      `${describe(next)} is to get a share of the keys of ${describe(old)}, and workers attach to a version and its data alone.`,
      'Run it as a shadow first and promote it.',
    )
  const differs = (what: string, one: unknown, other: unknown) => (String(one) === String(other) ? [] : [what])
  const same = (one: readonly unknown[], other: readonly unknown[]) =>
    one.length === other.length && one.every((each, i) => each === other[i])
  const different = [
    ...(same(next.from, old.from) ? [] : ['from']),
    ...(same(next.to, old.to) && next.addressed === old.addressed ? [] : ['to']),
    ...differs('by', next.by, old.by),
    ...differs('window', next.window, old.window),
    ...differs('state', [next.state?.init, next.state?.update], [old.state?.init, old.state?.update]),
    ...differs('ordered', next.ordered, old.ordered),
    ...differs('journal', next.journal, old.journal),
    ...((next.remote === undefined) === (old.remote === undefined) ? [] : ['kind (a function, or a program)']),
  ]
  if (different.length > 0)
    throw invalid(
      `${describe(next)} is to get a share of the keys of ${describe(old)}, and has another ${different.join(', another ')}.`,
      `Give both the same, or run it as a shadow first and promote it.`,
    )
  if (old.ramp !== undefined)
    throw invalid(
      `${describe(old)}, of whose keys ${describe(next)} is to get a share, gets a share of another's.`,
      `Drop the version that ${describe(old)} replaces first.`,
    )
}

/** A cycle is allowed only with a way out: some agent on it must also write to a topic or cache outside it, or data could only go round. */
function checkCycles(agents: ReadonlyMap<string, AnyAgent>): void {
  const transforms = [...agents.values()].filter(agent => agent.kind === 'agent')
  const reachable = new Map(transforms.map(agent => [agent, reachableFrom(agent, transforms)]))
  for (const agent of transforms) {
    if (!reachable.get(agent)!.has(agent)) continue
    const cycle = transforms.filter(other => reachable.get(agent)!.has(other) && reachable.get(other)!.has(agent))
    const inside = new Set(cycle.flatMap(member => member.from.map(from => from.name)))
    if (cycle.some(member => member.to.some(to => to.kind === 'cache' || !inside.has(to.name)))) continue
    throw invalid(
      `${cycle.map(describe).join(', ')} form${cycle.length === 1 ? 's' : ''} a cycle with no way out (${[...inside].join(' → ')} → ${[...inside][0]}): data would go round for ever.`,
      'Let one of them also write to a topic outside the cycle, or read from another topic.',
    )
  }
}

function reachableFrom(start: Agent, agents: readonly Agent[]): Set<Agent> {
  const reached = new Set<Agent>()
  const queue = [start]
  for (let agent = queue.pop(); agent !== undefined; agent = queue.pop()) {
    const written = new Set(agent.to.filter(to => to.kind === 'topic').map(to => to.name))
    for (const next of agents) {
      if (reached.has(next) || !next.from.some(from => written.has(from.name))) continue
      reached.add(next)
      queue.push(next)
    }
  }
  return reached
}

function describe(agent: AnyAgent): string {
  return `${agent.kind === 'agent' ? 'agent' : 'storageAgent'} '${agent.name}@${agent.version}'`
}

function invalid(what: string, fix: string): MillraceError {
  return new MillraceError('GRAPH_INVALID', what, { fix })
}
