import { shadowName } from '../agents/shadow.ts'
import type { Decision, Offsets } from './decision.ts'

/** What all decisions so far come to. It crosses to agents' threads as it is. */
export interface Versions {
  /** By the group of the version that was promoted. */
  readonly promoted: ReadonlyMap<string, Promotion>
  /** Groups that have ended, or are about to, though nobody took over their place. */
  readonly ended: ReadonlyMap<string, Ending>
  /** The share of the keys that a version gets, by its group: of those whose share is another than the declared one. */
  readonly shares: ReadonlyMap<string, number>
}

export interface Promotion {
  readonly replaces: number
  readonly by: string
  readonly atMs: number
}

/**
 * draining: at work until it stands at `until`. decommissioned: its place is kept and no longer moves. promoted: a shadow that became the live
 * version. `of` is the decision's offset.
 */
export interface Ending {
  readonly state: 'draining' | 'decommissioned' | 'promoted'
  readonly of: number
  readonly until?: Offsets
  readonly by: string
  readonly atMs: number
}

export const UNDECIDED: Versions = { promoted: new Map(), ended: new Map(), shares: new Map() }

/** Whether nothing of the group is to be run, and nobody waits for it. */
export function isOver(ended: Versions['ended'], group: string): boolean {
  const state = ended.get(group)?.state
  return state !== undefined && state !== 'draining'
}

/** The version that a promotion has given the place of `name@version`; undefined while nobody has it. */
export function successorOf({ promoted }: Versions, name: string, version: number): number | undefined {
  for (const [group, { replaces }] of promoted) {
    if (replaces === version && group.startsWith(`${name}@`)) return Number(group.slice(name.length + 1))
  }
  return undefined
}

/** Why a decision has no effect after those before it; undefined where it has one. */
export function refusal(versions: Versions, decision: Decision): string | undefined {
  const { ended, promoted } = versions
  if (decision.kind === 'promote') {
    const { agent, version, replaces } = decision
    const successor = successorOf(versions, agent, replaces)
    if (promoted.has(`${agent}@${version}`)) return `${agent}@${version} has been promoted already.`
    if (successor !== undefined) return `The place of ${agent}@${replaces} was taken over by ${agent}@${successor}.`
    if (ended.has(`${agent}@${replaces}`)) return `${agent}@${replaces} is decommissioned, or about to be.`
    if (ended.has(shadowName(`${agent}@${version}`))) return `The shadow ${agent}@${version} is decommissioned, or about to be.`
    return undefined
  }
  if (decision.kind === 'ramp') return undefined
  const ending = ended.get(decision.group)
  if (decision.kind === 'drained') return ending?.of === decision.of && ending.state === 'draining' ? undefined : 'It does not drain.'
  if (ending?.state === 'promoted') return 'It was promoted: what it was as a shadow has ended.'
  if (decision.kind === 'recommission') return ending === undefined ? 'It is not decommissioned.' : undefined
  if (ending?.state === 'decommissioned') return 'It is decommissioned already.'
  if (ending?.state === 'draining' && decision.until !== undefined) return 'It is being decommissioned already.'
  return undefined
}

/** @param offset of the decision in the log. One that is refused changes nothing. */
export function applied(versions: Versions, decision: Decision, offset: number): Versions {
  if (refusal(versions, decision) !== undefined) return versions
  const promoted = new Map(versions.promoted)
  const ended = new Map(versions.ended)
  const shares = new Map(versions.shares)
  switch (decision.kind) {
    case 'promote': {
      const { agent, version, replaces, by, atMs } = decision
      promoted.set(`${agent}@${version}`, { replaces, by, atMs })
      ended.set(shadowName(`${agent}@${version}`), { state: 'promoted', of: offset, by, atMs })
      break
    }
    case 'decommission': {
      const { group, until, by, atMs } = decision
      ended.set(group, {
        state: until === undefined ? 'decommissioned' : 'draining',
        of: offset,
        ...(until === undefined ? {} : { until }),
        by,
        atMs,
      })
      break
    }
    case 'drained': {
      const { until: _, ...ending } = ended.get(decision.group)!
      ended.set(decision.group, { ...ending, state: 'decommissioned' })
      break
    }
    case 'ramp':
      shares.set(`${decision.agent}@${decision.version}`, decision.share)
      break
    case 'recommission':
      ended.delete(decision.group)
      break
  }
  return { promoted, ended, shares }
}
