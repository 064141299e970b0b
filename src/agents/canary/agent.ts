import type { Engine } from '../../engine/engine.ts'
import { CANARY_TOPIC, type Canary, canaryToJson, type Route, stepsOf } from '../../objectives/canary.ts'
import { type Agent, out } from '../agent.ts'
import { Blocked } from '../blocked.ts'
import { groupOf } from '../running.ts'
import { ownAgent } from '../windows/own-agent.ts'

/** A canary waits for the data before it as for something that is away. */
const LOOK = { backoffMs: 50, maxBackoffMs: 2_000 } as const

/**
 * The part of an agent that lets canaries pass: in its thread, its group and its lease, by the same claims and commits, beside its own partitions.
 * What it does not do is call the agent's handler, for a canary is no datum of its topics; in its place it waits until the agent has committed all
 * that was before the canary.
 */
export function canaryAgent(agent: Agent, routes: readonly Route[], engine: Pick<Engine, 'standings' | 'bounds'>): Agent {
  const { name, version, start } = agent
  const own = ownAgent(
    {
      ...{ name, version, start, by: undefined, state: undefined, partOf: undefined },
      from: [CANARY_TOPIC],
      to: [CANARY_TOPIC],
      // It is what its topic's schema made of it.
      handler: async datum => (await stepsFrom(datum as Canary)).map(canary => out(CANARY_TOPIC, canaryToJson(canary))),
    },
    Number.POSITIVE_INFINITY,
  )
  const group = groupOf(agent).name
  return { ...own, retry: { ...own.retry, ...LOOK } }

  async function stepsFrom(canary: Canary): Promise<Canary[]> {
    const steps = stepsOf(routes, canary.path, `${name}@${version}`)
    if (steps.length === 0) return []
    const rows = await away(placesOf(canary.path.at(-1)!))
    // Offsets of another log, from which the pipeline was moved here.
    if (canary.line.some((end, partition) => (rows[partition]?.next ?? end) < end)) return []
    if (!canary.line.every((end, partition) => (rows[partition]?.passed ?? end) >= end)) throw new Blocked('the data before it')
    // What was before it is committed, so what came of that is in these topics by now.
    return Promise.all(steps.map(async path => ({ ...canary, path, line: await away(endsOf(path)) })))
  }

  /** How far the agent is in each partition of a topic. */
  async function placesOf(topic: string): Promise<readonly { readonly passed: number; readonly next: number }[]> {
    const [standings, bounds] = await Promise.all([engine.standings(), engine.bounds(topic)])
    const rows = standings.filter(row => row.group === group && row.topic === topic)
    return bounds.map(({ first, next }, partition) => {
      const committed = rows.find(row => row.partition === partition)?.checkpoint.offset
      // Without a place it has not begun there; where it begins at the end, what was before is none of its business.
      return { next, passed: Math.max(first, committed ?? (start === 'earliest' ? 0 : next)) }
    })
  }

  /** Of the topic that a path ends with; of an agent that writes none, nothing. */
  async function endsOf(path: Route): Promise<readonly number[]> {
    const isTopic = path.length % 2 === 1
    return isTopic ? (await engine.bounds(path.at(-1)!)).map(({ next }) => next) : []
  }
}

/** A stream that does not say how it stands is away. */
function away<T>(asked: Promise<T>): Promise<T> {
  return asked.catch((cause: unknown) => {
    throw new Blocked('the stream', { cause })
  })
}
