import type { DeadLetters } from '../agents/dead-letter.ts'
import { isShadow, liveName } from '../agents/shadow.ts'
import { agentOf } from '../engine/engine.ts'
import type { Judged } from '../instrumentation/diagnoses.ts'
import { readersOf } from '../versions/gatherers.ts'
import type { AgentAction, AgentAnswer, LogLine } from './api/agents.ts'
import type { AgentNode } from './api/overview.ts'
import { agentNode } from './live/overview.ts'
import { declaredIn, type Groups, groupsIn, iso, type Seen } from './seen.ts'

const MOST_ERRORS = 20

export interface AgentSeen extends Omit<Seen, 'letters'> {
  readonly diagnoses: ReadonlyMap<string, Judged>
}

export interface Asked {
  readonly letters: Pick<DeadLetters, 'list'>
  /** The last lines of a group's log, the newest last. */
  readonly log: (group: string) => readonly LogLine[]
  /** Whether somebody here can decide. */
  readonly decides: boolean
}

/** `GET /v1/agents/:agent`. @param asked a name, or `name@version`. Undefined where there is no such agent. */
export async function agentNow(asked: string, seen: AgentSeen, from: Asked): Promise<AgentAnswer | undefined> {
  const groups = groupsIn(seen)
  const own = [...groups.keys()].filter(group => {
    const { name, version } = agentOf(group)
    return liveName(name) === asked || `${liveName(name)}@${version}` === asked
  })
  own.sort((a, b) => agentOf(b).version - agentOf(a).version || Number(isShadow(agentOf(a).name)) - Number(isShadow(agentOf(b).name)))
  const [first] = own
  if (first === undefined) return undefined
  const versions = await Promise.all(own.map(group => versionNow(group, groups, seen, from)))
  return { agent: liveName(agentOf(first).name), versions }
}

async function versionNow(
  group: string,
  groups: Groups,
  seen: AgentSeen,
  { letters, log, decides }: Asked,
): Promise<AgentAnswer['versions'][number]> {
  const { name, version } = agentOf(group)
  const judged = seen.diagnoses.get(group)
  const node = agentNode(group, groups, seen, judged)
  const dead = await letters.list({ agent: name, version, state: 'dead', limit: MOST_ERRORS })
  return {
    group,
    ...node,
    replaces: declaredIn(seen).get(group)?.replaces ?? null,
    in_hand: inHandOf(judged),
    errors: dead.map(({ letter, atMs, dataId, error }) => ({ at: iso(atMs), letter, data_id: dataId, message: error.message })),
    log: [...log(group)],
    actions: decides ? actionsOf(group, node, seen) : [],
  }
}

function inHandOf(judged: Judged | undefined): AgentAnswer['versions'][number]['in_hand'] {
  return (judged?.process?.replicas ?? []).flatMap(({ inHand }, replica) =>
    inHand.length === 0 ? [] : [{ replica, count: inHand.length, since: iso(Math.min(...inHand.map(({ startedMs }) => startedMs))) }],
  )
}

/** What is not refused as it stands; what the graph makes of it is found out when it is decided. */
function actionsOf(group: string, { state, shadow, ramp }: AgentNode, { sample: { standings } }: AgentSeen): AgentAction[] {
  // It works at another's place: that is paused or ended.
  if (ramp !== undefined) return ['ramp']
  // One that has never run has no place yet; one that gathers for another goes with that.
  if (!standings.some(each => each.group === group) || readersOf(group, standings).length > 0) return []
  switch (state) {
    case 'running':
    case 'down':
    case 'elsewhere':
      return ['pause', ...(shadow ? (['promote'] as const) : []), 'decommission']
    case 'paused':
      return ['resume', ...(shadow ? (['promote'] as const) : []), 'decommission']
    case 'draining':
      return ['decommission', 'recommission']
    case 'decommissioned':
      return ['recommission']
    case 'removed':
      return ['decommission']
    default:
      return []
  }
}
