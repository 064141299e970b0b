import { isShadow, liveName, shadowName, shadowTarget, shownAgent } from '../agents/shadow.ts'
import { agentOf, type Standing } from '../engine/engine.ts'
import { MillraceError } from '../errors.ts'
import type { TopicSpec } from '../stream/stream.ts'

/** One of the two that are compared. */
export interface Side {
  /** As people know it: `forecast@2`. */
  readonly agent: string
  readonly isShadow: boolean
  /** Its group, which is also what its outputs name as their source. */
  readonly group: string
  /** Its name and edition, by which its outputs' ids are derived. */
  readonly name: string
  readonly edition: number
  /** Where its outputs are, by the name of the live topic. */
  readonly topics: ReadonlyMap<string, string>
}

/**
 * Finds two versions by their places. A version that is live and has been a shadow is the live one; `_shadow.forecast@2` is what it was before.
 * @throws AGENT_UNKNOWN
 */
export function sidesOf(
  agents: readonly [string, string],
  standings: readonly Standing[],
  topics: readonly TopicSpec[],
): readonly [Side, Side] {
  const [one, other] = agents.map(agent => groupOf(agent, standings)) as [string, string] // map keeps the length
  if (one === other)
    throw new MillraceError('USAGE', `${one} is compared with itself.`, { fix: 'Name two versions: forecast@1 forecast@2.' })
  // What a shadow writes to is known by its topics' names. Two live versions write side by side, and which topics those are their outputs tell.
  const targets = [...new Set([one, other].flatMap(group => shadowTargets(group, topics)))]
  const compared = targets.length > 0 ? targets : topics.map(({ name }) => name).filter(name => !name.startsWith('_'))
  return [sideOf(one, compared, standings, topics), sideOf(other, compared, standings, topics)]
}

function groupOf(agent: string, standings: readonly Standing[]): string {
  const known = new Set(standings.map(({ group }) => group))
  const found = [agent, shadowName(agent)].find(group => known.has(group) && agentOf(group).version > 0)
  if (found !== undefined) return found
  const names = [...known].map(group => shownAgent(agentOf(group))).sort()
  throw new MillraceError('AGENT_UNKNOWN', `No agent ${agent} has a place in the stream.`, {
    fix: names.length === 0 ? 'Nothing has run there yet.' : `There are: ${names.join(', ')}.`,
  })
}

function shadowTargets(group: string, topics: readonly TopicSpec[]): string[] {
  const { name, version } = agentOf(group)
  if (!isShadow(name)) return []
  const prefix = shadowTarget({ name: liveName(name), version }, '')
  return topics.flatMap(topic => (topic.name.startsWith(prefix) ? [topic.name.slice(prefix.length)] : []))
}

function sideOf(group: string, targets: readonly string[], standings: readonly Standing[], topics: readonly TopicSpec[]): Side {
  const agent = agentOf(group)
  const live = { name: liveName(agent.name), version: agent.version }
  const shadow = isShadow(agent.name)
  const own = targets.map(target => [target, shadow ? shadowTarget(live, target) : target] as const)
  return {
    agent: `${live.name}@${live.version}`,
    isShadow: shadow,
    group,
    name: agent.name,
    edition: standings.find(standing => standing.group === group)?.checkpoint.edition ?? agent.version,
    topics: new Map(own.filter(([, topic]) => topics.some(({ name }) => name === topic))),
  }
}
