import { isReplayTopic } from '../agents/dead-letter.ts'
import { isShadow, liveName, shadowName, shownAgent } from '../agents/shadow.ts'
import { agentOf, type Standing } from '../engine/engine.ts'
import { MillraceError } from '../errors.ts'
import { CANARY_TOPIC } from '../objectives/canary.ts'
import type { Decision, Offsets } from './decision.ts'
import { isOver, refusal, type Versions } from './fold.ts'
import { gatherersOf, readersOf } from './gatherers.ts'

/** What a person asks for. `agent` is `name@version`. */
export type Wish =
  | { readonly kind: 'promote'; readonly agent: string; readonly replaces?: number }
  | { readonly kind: 'ramp'; readonly agent: string; readonly share: number }
  | { readonly kind: 'decommission'; readonly agent: string; readonly now: boolean }
  | { readonly kind: 'recommission'; readonly agent: string }
  | { readonly kind: 'pause'; readonly agent: string }
  | { readonly kind: 'resume'; readonly agent: string }

/** Where everything stands as a decision is judged. */
export interface Judged {
  readonly standings: readonly Standing[]
  readonly versions: Versions
  readonly by: string
  readonly atMs: number
}

/**
 * The decision that fulfils a wish, judged by the places in the stream and the decisions before it, so that it is the same from anywhere.
 * @throws AGENT_UNKNOWN, VERSION_REFUSED with what stands in the way.
 */
export function proposed(wish: Wish, judged: Judged): Decision {
  const decision = wish.kind === 'promote' ? promotion(wish, judged) : wish.kind === 'ramp' ? ramp(wish, judged) : ending(wish, judged)
  const why = refusal(judged.versions, decision)
  if (why !== undefined) throw refused(wish, why, fixOf(wish))
  return decision
}

function promotion(wish: Extract<Wish, { kind: 'promote' }>, judged: Judged): Decision {
  const { standings, versions, by, atMs } = judged
  const { name, version } = named(wish.agent, standings)
  const group = `${name}@${version}`
  const has = (of: string) => standings.some(standing => standing.group === of)
  if (versions.promoted.has(group)) throw refused(wish, `${group} has been promoted already.`, fixOf(wish))
  if (!has(shadowName(group)) && !has(group)) throw unknown(wish.agent, standings)
  if (!has(shadowName(group)))
    throw refused(
      wish,
      `${group} is no shadow: it has a place of its own and writes to the live topics.`,
      'Where it runs beside an older version, end that one: millrace decommission.',
    )
  if (has(group))
    throw refused(
      wish,
      `${group} has run live before, and has a place of its own from then.`,
      'Declare what runs as the shadow under another version, and promote that.',
    )
  const old = wish.replaces ?? only(wish, name, judged)
  if (!has(`${name}@${old}`))
    throw refused(
      wish,
      `${name}@${old} has no place in the stream that could be taken over.`,
      `Where there is no older version, take 'shadow' from ${group} in the pipeline file.`,
    )
  const now = standings.find(standing => standing.group === `${name}@${old}`)?.replacedBy
  if (now !== undefined)
    throw refused(wish, `The place of ${name}@${old} was taken over by ${now}.`, `Say --replaces ${agentOf(now).version}.`)
  checkTopics(wish, group, `${name}@${old}`, judged)
  return { kind: 'promote', agent: name, version, replaces: old, by, atMs }
}

/**
 * What waits in a topic that the shadow does not read would be nobody's; one that it alone reads would go live from its beginning, or with a gap.
 * Windows and pairs of another version are such topics.
 */
function checkTopics(wish: Wish, next: string, old: string, { standings }: Judged): void {
  const topicsOf = (group: string) =>
    [...new Set(standings.filter(at => at.group === group && !isReplayTopic(at.topic)).map(({ topic }) => topic))].sort()
  const [own, others] = [topicsOf(shadowName(next)).join(', '), topicsOf(old).join(', ')]
  if (own === others) return
  throw refused(
    wish,
    `It reads ${own}, and ${old} reads ${others}: a place in one topic cannot be taken over in another.`,
    `Take 'shadow' from it in the pipeline file, so that it runs beside ${old}, and decommission that.`,
  )
}

/** Whether it gets a share at all its declaration says, and whoever runs it. Once it has a place it has taken over the other's. */
function ramp(wish: Extract<Wish, { kind: 'ramp' }>, { standings, by, atMs }: Judged): Decision {
  const { name, version } = named(wish.agent, standings)
  const group = `${name}@${version}`
  if (standings.some(standing => standing.group === group))
    throw refused(
      wish,
      `${group} has a place of its own: it gets everything.`,
      'Only a version that is to take over a place gets a share of its keys.',
    )
  if (!standings.some(standing => agentOf(standing.group).name === name && standing.replacedBy === undefined))
    throw unknown(wish.agent, standings)
  return { kind: 'ramp', agent: name, version, share: wish.share, by, atMs }
}

/** The one version whose place is still its own. */
function only(wish: Wish, name: string, { standings, versions }: Judged): number {
  const open = standings.filter(
    ({ group, replacedBy }) => agentOf(group).name === name && replacedBy === undefined && !versions.ended.has(group),
  )
  const found = [...new Set(open.map(({ group }) => agentOf(group).version))]
  if (found.length === 1) return found[0]!
  if (found.length === 0)
    throw refused(wish, `There is no live version of ${name} to take over from.`, `Take 'shadow' from it in the pipeline file.`)
  throw refused(
    wish,
    `${name} has ${found.length} live versions: ${found.sort((a, b) => a - b).join(', ')}.`,
    'Say which, such as: --replaces 1.',
  )
}

function ending(wish: Exclude<Wish, { kind: 'promote' | 'ramp' }>, judged: Judged): Decision {
  const { standings, versions, by, atMs } = judged
  const group = placed(wish, judged)
  const own = standings.filter(standing => standing.group === group)
  const replacedBy = own.find(standing => standing.replacedBy !== undefined)?.replacedBy
  let [reader] = readersOf(group, standings)
  for (let next = reader; next !== undefined; [next] = readersOf(next, standings)) reader = next
  if (reader !== undefined)
    throw refused(wish, `It gathers for ${reader}, and ${GATHERS[wish.kind]}.`, `Name that: millrace ${commandOf(wish)} ${reader}.`)
  if (replacedBy !== undefined)
    throw refused(
      wish,
      `Its place was taken over by ${replacedBy}: it has ended.`,
      `What goes on there: millrace ${commandOf(wish)} ${replacedBy}.`,
    )
  if (wish.kind === 'pause' || wish.kind === 'resume') return { kind: wish.kind, group, by, atMs }
  if (wish.kind === 'recommission') return { kind: 'recommission', group, by, atMs }
  if (wish.now) return { kind: 'decommission', group, by, atMs }
  const draining = versions.ended.get(group)?.until
  if (draining !== undefined) return { kind: 'decommission', group, until: draining, by, atMs }
  // What was accepted by now is in the topics of those that gather for it, too.
  const groups = [group, ...gatherersOf(group, standings)]
  return { kind: 'decommission', group, until: ends(standings.filter(at => groups.includes(at.group))), by, atMs }
}

/** The group that is meant, of a wish about one that is at work, or was: where a version has been live and a shadow, the live one unless that has ended. */
function placed(wish: Wish, { standings, versions }: Judged): string {
  const { name, version } = named(wish.agent, standings)
  const live = `${name}@${version}`
  const groups = (isShadow(name) ? [live] : [live, shadowName(live)]).filter(group => standings.some(standing => standing.group === group))
  const [first] = groups
  if (first === undefined) throw unknown(wish.agent, standings)
  const fits = (group: string) =>
    wish.kind === 'resume' ? versions.paused.has(group) : (wish.kind === 'recommission') === isOver(versions.ended, group)
  return groups.find(fits) ?? first
}

/** Where the topics of some places end. */
export function ends(own: readonly Standing[]): Offsets {
  const offsets: Record<string, number[]> = {}
  for (const { topic, partition, next } of own) {
    offsets[topic] ??= []
    offsets[topic][partition] = next
  }
  return offsets
}

/**
 * Whether a group that drains stands where it may stop. A partition that was not there when it was decided is not waited for, nor are canaries: they
 * are no data, and where the pipeline sends none any more nobody would read those that are left.
 */
export function hasDrained(group: string, until: Offsets, standings: readonly Standing[]): boolean {
  return standings.every(
    ({ group: of, topic, partition, checkpoint }) =>
      of !== group || topic === CANARY_TOPIC.name || checkpoint.offset >= (until[topic]?.[partition] ?? 0),
  )
}

function named(text: string, standings: readonly Standing[]): { readonly name: string; readonly version: number } {
  const agent = agentOf(text)
  if (agent.version >= 1 && agent.name !== '') return agent
  throw new MillraceError('USAGE', `${JSON.stringify(text)} names no version of an agent.`, {
    fix: `Say it as name@version. ${thoseThatAre(standings)}`,
  })
}

function unknown(agent: string, standings: readonly Standing[]): MillraceError {
  return new MillraceError('AGENT_UNKNOWN', `No agent ${agent} has a place in the stream.`, { fix: thoseThatAre(standings) })
}

function thoseThatAre(standings: readonly Standing[]): string {
  const known = [...new Set(standings.map(({ group }) => shownAgent(agentOf(group))))].sort()
  return known.length === 0 ? 'Nothing has run there yet.' : `There are: ${known.join(', ')}.`
}

const NOT_DONE = {
  promote: 'is not promoted',
  ramp: 'gets the share that it got',
  decommission: 'is not decommissioned',
  recommission: 'stays as it is',
  pause: 'stays as it is',
  resume: 'stays as it is',
} as const

const GATHERS = {
  decommission: 'ends and goes on with it',
  recommission: 'ends and goes on with it',
  pause: 'goes on while that is paused, so that no window is missed',
  resume: 'is never paused',
} as const

function commandOf({ kind }: Wish): string {
  return kind === 'recommission' ? 'decommission' : kind
}

function refused({ kind, agent }: Wish, why: string, fix: string): MillraceError {
  return new MillraceError('VERSION_REFUSED', `${agent} ${NOT_DONE[kind]}. ${why}`, { fix })
}

function fixOf({ kind, agent }: Wish): string {
  if (kind === 'recommission' || kind === 'pause' || kind === 'resume') return 'millrace agents shows how each is.'
  if (kind === 'decommission') return `To let it go on: millrace decommission ${agent} --undo.`
  return `millrace agents shows how each version of ${liveName(agentOf(agent).name)} is.`
}
