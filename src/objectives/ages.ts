import type { Slo } from './slo.ts'

/** What reached an objective's end in one unit of work, or in several: plain data, so that it crosses threads. */
export interface ArrivalFact {
  /** {@link Slo.id} */
  readonly slo: string
  readonly good: number
  readonly late: number
  /** Whose time of acceptance is not known. */
  readonly unmeasured: number
  /** Ages of those that are good or late, by the buckets of {@link AGE_BOUNDS_MS}. */
  readonly ages: readonly number[]
}

/** Upper bounds of the buckets of ages: five for a factor of ten, from a millisecond to a day. Beyond the last is one more. */
export const AGE_BOUNDS_MS: readonly number[] = Array.from({ length: 41 }, (_, i) => 10 ** (i / 5))

/** An id's time that is further back is no time but noise: the first bits of an id that a producer made up. Of random ones two in a million pass. */
const OLDEST_MS = 7 * 86_400_000
/** Clocks of producers and of other machines may be ahead by so much. */
const AHEAD_MS = 60_000

/** Whether this may be when a datum was accepted. */
export function isPlausible(acceptedMs: number, nowMs: number): boolean {
  return acceptedMs <= nowMs + AHEAD_MS && acceptedMs >= nowMs - OLDEST_MS
}

/**
 * When the causes of one unit of work's outputs were accepted, gathered until the unit is durable. Data that come together were mostly accepted
 * together: a number for each run of equal times, so that a datum costs a comparison.
 */
export class Ages {
  readonly #times: number[] = []
  readonly #counts: number[] = []

  get empty(): boolean {
    return this.#times.length === 0
  }

  note(acceptedMs: number): void {
    const last = this.#times.length - 1
    if (last >= 0 && this.#times[last] === acceptedMs) this.#counts[last]!++
    else {
      this.#times.push(acceptedMs)
      this.#counts.push(1)
    }
  }

  /** How they fare by an objective, durable as they are now. */
  measure(slo: Slo, nowMs: number): ArrivalFact {
    const fact = { slo: slo.id, good: 0, late: 0, unmeasured: 0, ages: new Array<number>(AGE_BOUNDS_MS.length + 1).fill(0) }
    this.#times.forEach((acceptedMs, i) => {
      const count = this.#counts[i]!
      if (!isPlausible(acceptedMs, nowMs)) {
        fact.unmeasured += count
        return
      }
      const ageMs = Math.max(0, nowMs - acceptedMs)
      if (ageMs <= slo.withinMs) fact.good += count
      else fact.late += count
      fact.ages[bucketOf(ageMs)]! += count
    })
    return fact
  }
}

/** Two facts of one objective as one. */
export function together(one: ArrivalFact, other: ArrivalFact): ArrivalFact {
  return {
    slo: one.slo,
    good: one.good + other.good,
    late: one.late + other.late,
    unmeasured: one.unmeasured + other.unmeasured,
    ages: one.ages.map((count, i) => count + other.ages[i]!),
  }
}

function bucketOf(ageMs: number): number {
  const found = AGE_BOUNDS_MS.findIndex(bound => ageMs <= bound)
  return found < 0 ? AGE_BOUNDS_MS.length : found
}

/** The q-quantile of ages counted in buckets, in milliseconds, read off within its bucket as if they lay evenly in it; undefined where there are none. */
export function ageQuantile(ages: readonly number[], q: number): number | undefined {
  const total = ages.reduce((sum, count) => sum + count, 0)
  if (total === 0) return undefined
  let below = 0
  for (const [i, count] of ages.entries()) {
    if (count > 0 && below + count >= q * total) {
      const lower = AGE_BOUNDS_MS[i - 1] ?? 0
      const upper = AGE_BOUNDS_MS[i] ?? lower
      return lower + ((upper - lower) * (q * total - below)) / count
    }
    below += count
  }
  return AGE_BOUNDS_MS.at(-1)
}
