import { type ArrivalFact, ageQuantile } from '../../objectives/ages.ts'
import type { Slo } from '../../objectives/slo.ts'
import { type Way, wayOf } from '../../objectives/way.ts'
import type { AnyAgent, Pipeline } from '../../pipeline.ts'
import { Recent } from '../rate.ts'
import type { WorkFact } from '../recorder.ts'
import type { Sample } from '../sampler.ts'
import { Overdue } from './overdue.ts'
import { type Counted, SloWindow } from './window.ts'

const FIVE_MINUTES_MS = 300_000
const HOUR_MS = 3_600_000
/**
 * A page is worth it where 2 % of thirty days' budget burn in an hour, and still do: in the last hour and in the last five minutes
 * (https://sre.google/workbook/alerting-on-slos/, "multiwindow, multi-burn-rate alerts").
 */
const FAST_BURN = 14.4
/** Where the budget is so large that nothing could burn it so fast, half of the data being late is worth it, too. */
const MOST_BAD = 0.5

/** How an objective stands, as this process has seen it. */
export interface SloReading {
  readonly slo: Slo
  /** An agent that is the last on its way runs in this process: without, nothing is measured here, and the rest is undefined. */
  readonly isMeasured: boolean
  /** Since the process started, as counters. */
  readonly good: number
  /** With those that were late, and those that died or were lost on the way. */
  readonly total: number
  readonly unmeasured: number
  /** That wait for longer than the objective leaves time, now. */
  readonly overdue: number
  /** Over the last hour, with what is overdue; undefined before the first datum. */
  readonly goodShare: number | undefined
  readonly p50Ms: number | undefined
  readonly p99Ms: number | undefined
  readonly burn: { readonly fiveMinutes: number | undefined; readonly hour: number | undefined }
  /** Share of the budget that is left of this process's time, thirty days at most; below 0 where it is overdrawn. */
  readonly budgetLeft: number | undefined
  readonly missed: boolean
}

/** The agent on the path of a missed objective that takes the most of the time in its own hands. */
export interface Slowest {
  readonly slo: Slo
  readonly burn: number
  /** Median of what a unit of work takes from its first handler to the end of its commit. */
  readonly serviceMs: number
}

interface Kept {
  readonly slo: Slo
  readonly way: Way
  readonly window: SloWindow
  overdue: number
}

/** Keeps the pipeline's objectives: what arrived in time, what late, what died, and what ought to have arrived by now. */
export class SloMeter {
  #kept: readonly Kept[] = []
  #agents: ReadonlyMap<string, AnyAgent> = new Map()
  /** By place, of the agents on the ways. */
  readonly #service = new Map<string, Recent>()
  #overdue = new Overdue(0)
  #sample: Sample | undefined

  /** Again after a reload: objectives that are still there go on. */
  use({ slos, agents }: Pick<Pipeline, 'slos' | 'agents'>): void {
    const before = new Map(this.#kept.map(each => [each.slo.id, each]))
    const longestBefore = longest(this.#kept)
    this.#agents = agents
    this.#kept = slos.map(slo => {
      const { window, overdue } = before.get(slo.id) ?? { window: new SloWindow(), overdue: 0 }
      return { slo, way: wayOf(slo, agents.values()), window, overdue }
    })
    for (const id of this.#service.keys()) if (!agents.has(id)) this.#service.delete(id)
    if (longest(this.#kept) !== longestBefore) this.#overdue = new Overdue(longest(this.#kept))
  }

  arrived(fact: ArrivalFact, nowMs: number): void {
    this.#kept.find(({ slo }) => slo.id === fact.slo)?.window.arrived(fact, nowMs)
  }

  /** What dies on the way, or is lost, does not arrive. */
  work({ agent, version, topic, done, dead, lost, handlerMs, commitMs }: WorkFact, nowMs: number): void {
    if (this.#kept.length === 0) return
    const id = `${agent}@${version}`
    if (done > 0 && this.#kept.some(({ way }) => way.through.has(id))) {
      const service = this.#service.get(id) ?? new Recent()
      service.add(handlerMs + commitMs)
      this.#service.set(id, service)
    }
    if (dead + lost === 0) return
    // A version that gets a share of another's keys works at its place.
    const at = [...this.#agents].find(([, own]) => own.kind === 'agent' && own.name === agent && own.ramps?.agent.version === version)
    const place = at?.[0] ?? id
    for (const { way, window } of this.#kept) if (way.through.get(place)?.has(topic)) window.missed(dead + lost, nowMs)
  }

  /** Takes note of where everything stands. */
  note(sample: Sample): void {
    if (this.#kept.length === 0 || sample.atMs === this.#sample?.atMs) return
    this.#sample = sample
    this.#overdue.note(sample)
    for (const kept of this.#kept) kept.overdue = this.#overdue.of(kept.way, kept.slo.withinMs, this.#agents, sample)
  }

  /** What takes the time on the paths of missed objectives, by name@version: of several that an agent is slowest for, the one that burns most. */
  slowest(nowMs: number, runsHere: (agent: string) => boolean): ReadonlyMap<string, Slowest> {
    const found = new Map<string, Slowest>()
    for (const [i, { slo, missed, burn }] of this.read(nowMs, runsHere).entries()) {
      if (!missed) continue
      const takes = (id: string) => {
        const agent = this.#agents.get(id)
        return this.#serviceMs(id) + (agent?.kind === 'storage-agent' ? agent.store.roll.ageMs : 0)
      }
      const id = [...this.#kept[i]!.way.through.keys()].reduce((most, next) => (takes(next) > takes(most) ? next : most))
      const own = { slo, burn: burn.hour ?? 0, serviceMs: this.#serviceMs(id) }
      if (own.burn > (found.get(id)?.burn ?? 0)) found.set(id, own)
    }
    return found
  }

  #serviceMs(id: string): number {
    return this.#service.get(id)?.quantile(0.5) ?? 0
  }

  /** @param runsHere whether an agent is this process's to run. */
  read(nowMs: number, runsHere: (agent: string) => boolean): readonly SloReading[] {
    return this.#kept.map(kept => readingOf(kept, nowMs, [...kept.way.last].some(runsHere)))
  }
}

function readingOf({ slo, window, overdue }: Kept, nowMs: number, isMeasured: boolean): SloReading {
  const { good, bad, unmeasured } = window.totals
  const allowed = 1 - slo.share
  // What is overdue is bad until it arrives, and bad where it does.
  const badShare = (counted: Counted) => {
    const total = counted.good + counted.bad + overdue
    return total === 0 || !isMeasured ? undefined : (counted.bad + overdue) / total
  }
  const burn = (ms: number) => {
    const share = badShare(window.last(ms, nowMs))
    return share === undefined ? undefined : share / allowed
  }
  const [fiveMinutes, hour] = [burn(FIVE_MINUTES_MS), burn(HOUR_MS)]
  const [hourBad, budgetBad] = [badShare(window.last(HOUR_MS, nowMs)), badShare(window.budget(nowMs))]
  const fast = Math.min(FAST_BURN, MOST_BAD / allowed)
  const ages = window.ages(nowMs)
  return {
    slo,
    isMeasured,
    good,
    total: good + bad,
    unmeasured,
    overdue,
    goodShare: hourBad === undefined ? undefined : 1 - hourBad,
    p50Ms: ageQuantile(ages, 0.5),
    p99Ms: ageQuantile(ages, 0.99),
    burn: { fiveMinutes, hour },
    budgetLeft: budgetBad === undefined ? undefined : 1 - budgetBad / allowed,
    missed: (fiveMinutes ?? 0) >= fast && (hour ?? 0) >= fast,
  }
}

function longest(kept: readonly Kept[]): number {
  return Math.max(0, ...kept.map(({ slo }) => slo.withinMs))
}
