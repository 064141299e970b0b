import type { Standing } from '../engine/engine.ts'
import type { Offsets } from './decision.ts'
import { gatherersOf } from './gatherers.ts'
import { ends, hasDrained } from './proposed.ts'

/** How far an agent that drains has come: through those that gather for it, one after the other, to itself. */
interface Stage {
  readonly passed: number
  /** Where the next is to stand. Undefined until it is looked at when the one before has passed, for that put out data until then. */
  readonly until: Offsets | undefined
}

/**
 * Tells when agents that drain have. What was accepted before the decision is still on its way where an agent has windows of time or a join: the
 * agent is done when it stands where its gatherers' outputs ended once they were done. A process that dies begins again: then it is done later.
 */
export class Draining {
  /** By the decision's offset. */
  readonly #stages = new Map<number, Stage>()

  /** @param of the decision's offset; @param until as it was decided. @param standings as they are now. */
  look(group: string, of: number, until: Offsets, standings: readonly Standing[]): boolean {
    const line = [...gatherersOf(group, standings), group]
    const stage = this.#stages.get(of) ?? { passed: 0, until }
    const at = line[stage.passed]!
    const target = stage.until ?? ends(standings.filter(each => each.group === at))
    const next = hasDrained(at, target, standings)
      ? { passed: stage.passed + 1, until: undefined }
      : { passed: stage.passed, until: target }
    if (next.passed < line.length) {
      this.#stages.set(of, next)
      return false
    }
    this.#stages.delete(of)
    return true
  }
}
