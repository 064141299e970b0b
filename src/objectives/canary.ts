import { isShadow } from '../agents/shadow.ts'
import { objectOf, reading } from '../agents/windows/own-agent.ts'
import { type Duration, durationMs } from '../duration.ts'
import { MillraceError } from '../errors.ts'
import type { AnyAgent, Pipeline } from '../pipeline.ts'
import type { Topic } from '../stream/topic.ts'
import type { Graph } from './slo.ts'

/**
 * A canary on its way. It goes along the graph in a topic of Millrace's own and never in a user's: what producers sent, what agents made of it and
 * what stores hold have nothing to do with it. It gets in line behind the data that its agent has before it all the same: see {@link Canary.line}.
 */
export interface Canary {
  /** When it was sent, milliseconds since 1970 UTC. */
  readonly sentMs: number
  /** So far: it is at its last step. */
  readonly path: Route
  /** Where the topic that it is at ended when it got there, by partition: an agent lets it pass once it has committed what was before that. */
  readonly line: readonly number[]
}

/** The topic in which all canaries go, each of their steps a datum. It is read by agents, beside their own topics, and by whoever measures. */
export const CANARY_TOPIC: Topic<unknown, Canary> = {
  kind: 'topic',
  name: '_canary',
  schema: reading(value => {
    const { sent_ms: sentMs, path, line } = objectOf(value)
    if (typeof sentMs !== 'number' || !isListOf(path, 'string') || !isListOf(line, 'number')) throw new TypeError('This is no canary.')
    return { sentMs, path, line }
  }),
  spec: { name: '_canary', partitions: 1, retentionMs: 3_600_000 },
}

/** As JSON, on the wire. */
export function canaryToJson({ sentMs, path, line }: Canary): object {
  return { sent_ms: sentMs, path, line }
}

/** Canaries are few: each is worked on by every agent on its path. */
const SHORTEST_MS = 1_000

/** Checks how often canaries are sent. @returns milliseconds. @throws GRAPH_INVALID */
export function checkCanary(pipeline: string, every: Duration | undefined, { agents, topics }: Graph): number | undefined {
  if (every === undefined) return undefined
  const say = `pipeline('${pipeline}') canary`
  const ms = durationMs(every, say)
  if (ms < SHORTEST_MS) throw invalid(`${say} is ${every}; it must be a second or more.`, "Give it more time: canary: '10s'.")
  const written = new Set(agents.flatMap(agent => (agent.kind === 'agent' ? agent.to.map(to => to.name) : [])))
  if (
    routesOf(
      [...topics.values()].filter(({ name }) => !written.has(name)),
      agents,
    ).length === 0
  )
    throw invalid(
      `${say} has no path to go: no agent reads what producers send.`,
      'Drop it, or add an agent. Canaries never reach a store.',
    )
  return ms
}

/** A path as a canary takes it: topic, agent, topic, agent …, from where producers send to the last agent before stores, with what that one writes. */
export type Route = readonly string[]

/**
 * Every path that canaries take: from each topic that producers send to, by the shortest way, through every agent that what comes of it gets to,
 * and into every topic that such an agent writes. So there are no more of them than topics and agents together for each entry, however many
 * ways there are; and none goes round in a circle. Storage agents and shadows are on none.
 */
export function routesOf(entries: readonly Topic[], agents: Iterable<AnyAgent>): readonly Route[] {
  const handlers = [...agents].flatMap(agent => (agent.kind === 'agent' && !isShadow(agent.name) ? [agent] : []))
  return entries.flatMap(entry => {
    const routes: Route[] = []
    const passed = new Set<unknown>()
    const queue: { readonly topic: string; readonly route: Route }[] = [{ topic: entry.name, route: [entry.name] }]
    for (let next = queue.shift(); next !== undefined; next = queue.shift()) {
      const { topic, route } = next
      for (const agent of handlers) {
        if (passed.has(agent) || !agent.from.some(({ name }) => name === topic)) continue
        passed.add(agent)
        const through = [...route, `${agent.name}@${agent.version}`]
        const targets = agent.to.flatMap(to => (to.kind === 'topic' ? [to.name] : []))
        if (targets.length === 0) routes.push(through)
        for (const target of targets) {
          routes.push([...through, target])
          queue.push({ topic: target, route: [...through, target] })
        }
      }
    }
    return routes.filter(route => !routes.some(other => other.length > route.length && route.every((step, i) => step === other[i])))
  })
}

/** The paths that canaries take in a pipeline; none where it sends none. */
export function canaryRoutes({ canaryMs, entries, agents }: Pick<Pipeline, 'canaryMs' | 'entries' | 'agents'>): readonly Route[] {
  return canaryMs === undefined ? [] : routesOf(entries, agents.values())
}

/** How a canary that is at the end of `path` goes on by way of an agent: at most one step for each topic that the agent writes. */
export function stepsOf(routes: readonly Route[], path: Route, agent: string): readonly Route[] {
  const through = [...path, agent]
  const steps = new Map<string, Route>()
  for (const route of routes) {
    if (!through.every((step, i) => step === route[i])) continue
    const next = route.slice(0, through.length + 1)
    steps.set(next.join(' '), next)
  }
  return [...steps.values()]
}

/** For people: without the topics and agents of Millrace's own that windows and joins are made of. */
export function routeText(route: Route): string {
  return route.filter(step => !step.startsWith('_')).join(' → ')
}

function isListOf<T extends 'string' | 'number'>(value: unknown, type: T): value is readonly (T extends 'string' ? string : number)[] {
  return Array.isArray(value) && value.every(each => typeof each === type)
}

function invalid(what: string, fix: string): MillraceError {
  return new MillraceError('GRAPH_INVALID', what, { fix })
}
