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
  /** Groups that take nothing until they are resumed. */
  readonly paused: ReadonlyMap<string, Paused>
}

export interface Paused {
  readonly by: string
  readonly atMs: number
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

export const UNDECIDED: Versions = { promoted: new Map(), ended: new Map(), shares: new Map(), paused: new Map() }

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
  const { ended, promoted, paused } = versions
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
  if (decision.kind === 'resume') return paused.has(decision.group) ? undefined : 'It is not paused.'
  if (decision.kind === 'pause') {
    if (ending !== undefined) return 'It is decommissioned, or about to be: paused it would never be done.'
    return paused.has(decision.group) ? `It was paused already, by ${paused.get(decision.group)!.by}.` : undefined
  }
  if (decision.kind === 'recommission') return ending === undefined ? 'It is not decommissioned.' : undefined
  if (ending?.state === 'decommissioned') return 'It is decommissioned already.'
  if (decision.until !== undefined && paused.has(decision.group)) return 'It is paused, and would never come to the end.'
  if (ending?.state === 'draining' && decision.until !== undefined) return 'It is being decommissioned already.'
  return undefined
}

/** @param offset of the decision in the log. One that is refused changes nothing. */
export function applied(versions: Versions, decision: Decision, offset: number): Versions {
  if (refusal(versions, decision) !== undefined) return versions
  const promoted = new Map(versions.promoted)
  const ended = new Map(versions.ended)
  const shares = new Map(versions.shares)
  const paused = new Map(versions.paused)
  switch (decision.kind) {
    case 'promote': {
      const { agent, version, replaces, by, atMs } = decision
      promoted.set(`${agent}@${version}`, { replaces, by, atMs })
      ended.set(shadowName(`${agent}@${version}`), { state: 'promoted', of: offset, by, atMs })
      paused.delete(shadowName(`${agent}@${version}`))
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
      // Once it has ended there is nothing to resume: a recommission lets it go on.
      paused.delete(group)
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
    case 'pause':
      paused.set(decision.group, { by: decision.by, atMs: decision.atMs })
      break
    case 'resume':
      paused.delete(decision.group)
      break
  }
  return { promoted, ended, shares, paused }
}
