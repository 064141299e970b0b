import type { Overview } from '../../api/overview.ts'

/** One look a second for five minutes: what the small charts show. */
export const KEPT_LOOKS = 300

/** A line of a chart: its points in the order of time. Undefined where the number was not there. */
export interface Series {
  /** Seconds since 1970. */
  readonly times: readonly number[]
  readonly values: readonly (number | null)[]
}

/**
 * The last minutes of every number that a chart may show, in a ring for each: a few bytes a look and not a whole overview, since a page
 * is open all day.
 */
export class History {
  readonly #rings = new Map<string, Float64Array>()
  readonly #times = new Float64Array(KEPT_LOOKS)
  #looks = 0

  add(overview: Overview): void {
    const at = this.#looks % KEPT_LOOKS
    this.#times[at] = Date.parse(overview.at) / 1_000
    for (const ring of this.#rings.values()) ring[at] = Number.NaN
    for (const [name, value] of numbersIn(overview)) this.#ring(name)[at] = value
    this.#looks++
    // Agents and topics that are gone for as long as charts look back.
    if (at === 0) for (const [name, ring] of this.#rings) if (ring.every(Number.isNaN)) this.#rings.delete(name)
  }

  series(name: string): Series {
    const ring = this.#rings.get(name)
    const times: number[] = []
    const values: (number | null)[] = []
    for (let look = Math.max(0, this.#looks - KEPT_LOOKS); look < this.#looks; look++) {
      const value = ring?.[look % KEPT_LOOKS] ?? Number.NaN
      times.push(this.#times[look % KEPT_LOOKS]!)
      values.push(Number.isNaN(value) ? null : value)
    }
    return { times, values }
  }

  #ring(name: string): Float64Array {
    const ring = this.#rings.get(name) ?? new Float64Array(KEPT_LOOKS).fill(Number.NaN)
    this.#rings.set(name, ring)
    return ring
  }
}

/** Names of series: `topic demand in`, `agent forecast@2 handled`, `reading demand forecast@2 lag`, `front_end accepted`. */
export function* numbersIn({ topics, agents, front_end }: Overview): Generator<[string, number]> {
  yield ['front_end accepted', front_end.accepted_per_second]
  yield ['front_end rejected', front_end.rejected_per_second]
  for (const [name, topic] of Object.entries(topics)) yield [`topic ${name} in`, topic.in_per_second]
  for (const [group, agent] of Object.entries(agents)) {
    yield [`agent ${group} handled`, agent.handled_per_second]
    yield [`agent ${group} busy`, agent.busy]
    if (agent.handler_seconds.p99 !== undefined) yield [`agent ${group} p99_ms`, agent.handler_seconds.p99 * 1_000]
    let lag = 0
    for (const [topic, reading] of Object.entries(agent.from)) {
      lag += reading.lag
      yield [`reading ${topic} ${group} rate`, reading.per_second]
      yield [`reading ${topic} ${group} lag`, reading.lag]
    }
    yield [`agent ${group} lag`, lag]
  }
}
