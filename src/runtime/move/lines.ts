import { agentOf, groupName, type Standing } from '../../engine/engine.ts'
import type { AgentVersion } from '../../trace/trace.ts'

/** Which group has taken over which, and who comes before whom. */
export class Lines {
  /** By the group that took over, the one before it. */
  readonly #before = new Map<string, string>()

  constructor(standings: readonly Standing[]) {
    for (const { group, replacedBy } of standings) if (replacedBy !== undefined) this.#before.set(replacedBy, group)
  }

  /** The group that this one took over from. */
  before(group: string): string | undefined {
    return this.#before.get(group)
  }

  /** How many came before it. */
  depth(group: string): number {
    const before = this.before(group)
    return before === undefined ? 0 : 1 + this.depth(before)
  }

  /** Versions whose place the agent has, the latest first. */
  versionsOf(agent: AgentVersion): number[] {
    const versions: number[] = []
    for (let group = this.before(groupName(agent)); group !== undefined; group = this.before(group)) versions.push(agentOf(group).version)
    return versions
  }
}
