import { isReplayTopic, replayTopic } from '../../agents/dead-letter.ts'
import { gathersFor, whyNoReplay } from '../../agents/gathers.ts'
import { shadowName } from '../../agents/shadow.ts'
import { agentOf, type EngineView, groupName, type Standing } from '../../engine/engine.ts'
import { MillraceError } from '../../errors.ts'
import type { AgentVersion } from '../../trace/trace.ts'
import { usage } from '../command.ts'

/** An agent that data can be given to, as the stream knows it. */
export interface Replayable {
  readonly agent: AgentVersion
  /** Versions whose place it has. */
  readonly line: readonly number[]
  /** Where it stands in each partition that it reads, its replay topic not among them. */
  readonly places: readonly Standing[]
  readonly topics: readonly string[]
}

/**
 * The version that is meant by `forecast@2`, or by `forecast` where one alone has a place that no other has taken over. One that was replaced
 * stands for the version that has its place; a shadow is meant by the name that it was declared under.
 * @throws AGENT_UNKNOWN; USAGE where several are meant.
 */
export function agentMeant(given: string, standings: readonly Standing[]): Replayable {
  const groups = new Map(standings.map(({ group, replacedBy }) => [group, replacedBy]))
  const versions = [...groups].filter(([group]) => agentOf(group).name === given)
  let group = [given, shadowName(given)].find(name => groups.has(name))
  if (group === undefined) {
    const live = versions.filter(([, replacedBy]) => replacedBy === undefined).map(([name]) => name)
    if (live.length > 1) throw usage(`${given} has ${live.length} versions: ${live.join(', ')}.`, `Name one: millrace replay ${live[0]} …`)
    group = live[0]
  }
  if (group === undefined) throw unknown(given, [...groups.keys()])
  for (let next = groups.get(group); next !== undefined; next = groups.get(group)) group = next
  const agent = agentOf(group)
  const places = standings.filter(at => at.group === group && !isReplayTopic(at.topic))
  const line = [...groups.keys()].filter(name => name !== group && holderOf(name, groups) === group).map(name => agentOf(name).version)
  return { agent, line, places, topics: [...new Set(places.map(({ topic }) => topic))] }
}

/** An agent to which data are replayed, as {@link agentMeant}. @throws USAGE where it gathers for another, too. */
export async function agentGiven(given: string, view: Pick<EngineView, 'standings' | 'topics'>): Promise<Replayable> {
  const meant = agentMeant(given, await view.standings())
  const gathered = gathersFor(meant.agent, new Set((await view.topics()).map(({ name }) => name)))
  if (gathered === undefined) return meant
  const { what, fix } = whyNoReplay(meant.agent, gathered)
  throw usage(what, fix)
}

/** How far the agent has read its replay topic. */
export function replayPlace(agent: AgentVersion, standings: readonly Standing[]): number {
  const place = standings.find(({ group, topic }) => group === groupName(agent) && topic === replayTopic(agent))
  return place?.checkpoint.offset ?? 0
}

function holderOf(group: string, groups: ReadonlyMap<string, string | undefined>): string {
  const next = groups.get(group)
  return next === undefined ? group : holderOf(next, groups)
}

function unknown(given: string, known: readonly string[]): MillraceError {
  return new MillraceError('AGENT_UNKNOWN', `There is no agent ${given} with a place in the stream.`, {
    fix: known.length === 0 ? 'None has run yet.' : `There are: ${[...known].sort().join(', ')}. One that is new has to run first.`,
  })
}
