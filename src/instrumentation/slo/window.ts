import { AGE_BOUNDS_MS, type ArrivalFact } from '../../objectives/ages.ts'

const SLOT_MS = 10_000
const HOUR_MS = 3_600_000
const SLOTS = HOUR_MS / SLOT_MS
/** The longest that a budget is for: a month, as https://sre.google/workbook/alerting-on-slos/ has it. */
const BUDGET_HOURS = 30 * 24

/** What was counted in some time. */
export interface Counted {
  readonly good: number
  readonly bad: number
}

interface Slot {
  at: number
  good: number
  bad: number
  ages: number[]
}

/** What came of an objective's data: in slots of ten seconds for an hour, by the hour for thirty days, and in all. Bounded. */
export class SloWindow {
  readonly #slots: Slot[] = []
  readonly #hours: { readonly at: number; good: number; bad: number }[] = []
  #good = 0
  #bad = 0
  #unmeasured = 0

  arrived({ good, late, unmeasured, ages }: ArrivalFact, nowMs: number): void {
    this.#unmeasured += unmeasured
    this.#add(good, late, nowMs)
    const slot = this.#slotAt(nowMs)
    for (const [i, count] of ages.entries()) slot.ages[i]! += count
  }

  /** So many are dead or lost on the way. */
  missed(count: number, nowMs: number): void {
    this.#add(0, count, nowMs)
  }

  /** Since this began. */
  get totals(): Counted & { readonly unmeasured: number } {
    return { good: this.#good, bad: this.#bad, unmeasured: this.#unmeasured }
  }

  /** In the last `ms`, an hour at most. */
  last(ms: number, nowMs: number): Counted {
    return sum(this.#since(nowMs - ms))
  }

  /** Ages of what arrived in the last hour. */
  ages(nowMs: number): readonly number[] {
    const ages = noAges()
    for (const slot of this.#since(nowMs - HOUR_MS)) for (const [i, count] of slot.ages.entries()) ages[i]! += count
    return ages
  }

  /** For the budget: of thirty days at most. */
  budget(nowMs: number): Counted {
    return sum(this.#hours.filter(({ at }) => at > Math.floor(nowMs / HOUR_MS) - BUDGET_HOURS))
  }

  #add(good: number, bad: number, nowMs: number): void {
    this.#good += good
    this.#bad += bad
    const slot = this.#slotAt(nowMs)
    slot.good += good
    slot.bad += bad
    const at = Math.floor(nowMs / HOUR_MS)
    const hour = this.#hours.at(-1)
    if (hour?.at === at) {
      hour.good += good
      hour.bad += bad
    } else this.#hours.push({ at, good, bad })
    if (this.#hours.length > BUDGET_HOURS) this.#hours.shift()
  }

  #slotAt(nowMs: number): Slot {
    const at = Math.floor(nowMs / SLOT_MS)
    const last = this.#slots.at(-1)
    // A clock that is set back counts on in the newest.
    if (last !== undefined && last.at >= at) return last
    const slot = { at, good: 0, bad: 0, ages: noAges() }
    this.#slots.push(slot)
    if (this.#slots.length > SLOTS + 1) this.#slots.shift()
    return slot
  }

  #since(ms: number): readonly Slot[] {
    return this.#slots.filter(({ at }) => at * SLOT_MS > ms - SLOT_MS)
  }
}

function sum(parts: readonly Counted[]): Counted {
  return parts.reduce((total, { good, bad }) => ({ good: total.good + good, bad: total.bad + bad }), { good: 0, bad: 0 })
}

function noAges(): number[] {
  return new Array<number>(AGE_BOUNDS_MS.length + 1).fill(0)
}
