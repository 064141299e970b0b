import { deadLetters } from '../../agents/letter-groups.ts'
import { type Pace, portions } from '../../agents/pace.ts'
import { type Fates, NO_FATES } from '../../agents/replay.ts'
import type { AgentVersion } from '../../trace/trace.ts'
import type { Replayable } from './agent.ts'
import type { ReplayDesk } from './desk.ts'
import type { Ran } from './run.ts'

/** The dead letters of an agent and of the versions whose place it has: how many there are. */
export async function countLetters({ view }: Pick<ReplayDesk, 'view'>, agent: Replayable): Promise<number> {
  const counts = await view.letters.counts()
  return counts
    .filter(count => count.state === 'dead' && versionsOf(agent).some(version => isSame(version, count.agent)))
    .reduce((sum, { count }) => sum + count, 0)
}

/** Replays them, the oldest first. Their own states say how far it is: run again, it does the rest. */
export async function replayLetters(desk: ReplayDesk, agent: Replayable, pace: Pace, put: (count: number) => void): Promise<Ran> {
  let fates: Fates = NO_FATES
  for (const version of versionsOf(agent)) {
    for await (const page of deadLetters(desk.view.letters, { agent: version.name, version: version.version })) {
      for (const portion of portions(page, pace.portion)) {
        if (!(await pace.ready())) return { fates, complete: false }
        const taken = await desk.putLetters(portion.map(({ letter }) => letter))
        pace.took(taken.length)
        put(taken.length)
        // Somebody else has taken the others meanwhile, or they have expired.
        fates = { ...fates, replayed: fates.replayed + taken.length, gone: fates.gone + portion.length - taken.length }
      }
    }
  }
  return { fates, complete: true }
}

function versionsOf({ agent, line }: Replayable): AgentVersion[] {
  return [...line, agent.version].map(version => ({ name: agent.name, version }))
}

function isSame(one: AgentVersion, other: AgentVersion): boolean {
  return one.name === other.name && one.version === other.version
}
