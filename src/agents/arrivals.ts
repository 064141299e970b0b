import { idTimeMs } from '../envelope/data-id.ts'
import { Ages, type ArrivalFact, isPlausible } from '../objectives/ages.ts'
import type { Ending } from '../objectives/way.ts'
import type { Target } from './agent.ts'

/**
 * When the data were accepted that an agent's outputs come of, at objectives' ends: gathered while a unit of work grows, told once it is
 * durable. An id says when its first cause was accepted, for whatever is derived from a datum keeps the time in its id. Where a producer gave
 * the id, it is its own, or noise: then the stream's time counts where the datum itself is handled here, and else nothing is known.
 */
export class ArrivalLog {
  readonly #endings: readonly Ending[]
  /** By target, where that is an end. */
  readonly #targets: readonly boolean[]
  readonly #names: readonly string[]
  /** The objective's own data are handled here, and not what others have made of them. */
  readonly #isFirst: boolean
  #ages: (Ages | undefined)[] = []

  /** @param targets of the agent. @param endings those that data of the topic arrive at. */
  constructor(topic: string, targets: readonly Target[], endings: readonly Ending[]) {
    this.#endings = endings
    this.#names = targets.map(({ name }) => name)
    this.#targets = targets.map(({ kind, name }) => kind === 'topic' && endings.some(({ slo }) => slo.to.name === name))
    this.#isFirst = endings.every(({ slo }) => slo.from === topic)
  }

  /**
   * One output.
   * @param cause what its id is derived from. @param supplied a producer gave that id. @param appendedMs when the datum handled was appended, or before.
   */
  note(target: number, cause: Uint8Array, causeAt: number, supplied: boolean, appendedMs: number): void {
    if (this.#targets[target] !== true) return
    const time = supplied && this.#isFirst ? appendedMs : idTimeMs(cause, causeAt)
    this.#ages[target] ??= new Ages()
    this.#ages[target].note(this.#isFirst && !isPlausible(time, appendedMs) ? appendedMs : time)
  }

  /** What was gathered, to be told when it is durable; undefined where nothing was. */
  take(): ((nowMs: number) => readonly ArrivalFact[]) | undefined {
    const ages = this.#ages
    if (ages.length === 0) return undefined
    this.#ages = []
    return nowMs =>
      ages.flatMap((each, target) =>
        each === undefined
          ? []
          : this.#endings.flatMap(({ slo }) => (slo.to.name === this.#names[target] ? [each.measure(slo, nowMs)] : [])),
      )
  }
}

/** Where data of the topic, in the hands of the agent, arrive at objectives' ends; undefined where they do not. */
export function arrivalLog(topic: string, targets: readonly Target[], endings: readonly Ending[] | undefined): ArrivalLog | undefined {
  const here = (endings ?? []).filter(({ topics }) => topics.has(topic))
  return here.length === 0 ? undefined : new ArrivalLog(topic, targets, here)
}
