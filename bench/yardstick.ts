import { type Child, child } from './child.ts'
import { cost } from './cost.ts'

/**
 * How fast this machine is now, by work in which there is nothing of Millrace: goals are of one machine, and the same code costs half as much
 * on another, or on this one a minute later, when its neighbours rest. Two floors of the ingest figures, which were measured when the goals were set.
 */
export interface Speed {
  /** What the two cost here over what they cost on the reference machine, their geometric mean: above 1 here is slower. */
  readonly factor: number
  /** CPU-s/M of a server that parses and validates lines. */
  readonly parsing: number
  /** CPU-s/M of a server that drains small requests. */
  readonly draining: number
}

/** CPU-s/M on the machine that the goals are of, two cores at 2.8 GHz. */
const REFERENCE = { parsing: 1.4, draining: 18.5 }
const ROUNDS = 3
/** Until the compiler has nothing left to do. */
const WARM_ROUNDS = 10
const BATCHES = { path: '/v1/topics/reading/batch', requests: 1_000, lines: 100 }
const SINGLES = { path: '/v1/topics/reading', requests: 12_000, lines: 1 }

export class Yardstick implements AsyncDisposable {
  readonly #load: Child
  readonly #parsing: Child
  readonly #draining: Child

  private constructor(load: Child, parsing: Child, draining: Child) {
    this.#load = load
    this.#parsing = parsing
    this.#draining = draining
  }

  static async open(): Promise<Yardstick> {
    const yardstick = new Yardstick(...(await Promise.all([child('load.ts'), child('parse-floor.ts'), child('floor-server.ts')])))
    await yardstick.#least(WARM_ROUNDS)
    return yardstick
  }

  /** Takes some seconds. */
  async measure(): Promise<Speed> {
    const { parsing, draining } = await this.#least(ROUNDS)
    return { parsing, draining, factor: Math.sqrt((parsing / REFERENCE.parsing) * (draining / REFERENCE.draining)) }
  }

  /** In turn, so that what drifts, drifts for both. */
  async #least(rounds: number): Promise<{ readonly parsing: number; readonly draining: number }> {
    const least = { parsing: Number.POSITIVE_INFINITY, draining: Number.POSITIVE_INFINITY }
    for (let round = 0; round < rounds; round++) {
      least.parsing = Math.min(least.parsing, await cost(this.#parsing, this.#load, BATCHES))
      least.draining = Math.min(least.draining, await cost(this.#draining, this.#load, SINGLES))
    }
    return least
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#load, this.#parsing, this.#draining].map(each => each.stop()))
  }
}

/** What one of them says of the machine may be more than the other says by so much; beyond, the machine is not slower by one factor. */
const AGREEMENT = 1.6

export function described({ factor, parsing, draining }: Speed): string[] {
  const [one, other] = [parsing / REFERENCE.parsing, draining / REFERENCE.draining]
  const apart = Math.max(one, other) / Math.min(one, other)
  const each = (cost: number, reference: number) => `${cost.toPrecision(3)} CPU-s/M, ${reference} there`
  return [
    `this machine against the reference machine: ${factor.toPrecision(3)} × (parse and validate ${each(parsing, REFERENCE.parsing)}; bare requests ${each(draining, REFERENCE.draining)})`,
    ...(apart > AGREEMENT ? [`the two say ${one.toPrecision(3)} × and ${other.toPrecision(3)} ×: compare with care`] : []),
  ]
}
