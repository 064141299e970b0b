import type { Clock } from '../clock.ts'
import type { EngineView, Standing } from '../engine/engine.ts'
import type { Bounds, TopicSpec } from '../stream/stream.ts'
import type { Versions } from '../versions/fold.ts'
import { withGatherers } from '../versions/gatherers.ts'
import { VersionLog } from '../versions/log.ts'
import { RATE_WINDOW_MS } from './rate.ts'

/** Where everything stands at one moment. */
export interface Sample {
  readonly atMs: number
  readonly standings: readonly Standing[]
  /** Groups that were decommissioned, and shadows that were promoted. */
  readonly ended: Versions['ended']
  readonly topics: readonly TopicSample[]
  /** Done and dead a second by group, whichever processes did it, over the last {@link RATE_WINDOW_MS}. */
  readonly handledPerSecond: ReadonlyMap<string, number>
}

export interface TopicSample {
  readonly spec: TopicSpec
  readonly bounds: readonly Bounds[]
  /** Data ever appended: the next offsets of all partitions together. */
  readonly appended: number
  /** Appended a second, by producers and agents, over the last {@link RATE_WINDOW_MS}. */
  readonly perSecond: number
}

/** Counts that only rise, by name, at one moment. */
interface Counts {
  readonly atMs: number
  readonly appended: ReadonlyMap<string, number>
  readonly handled: ReadonlyMap<string, number>
}

/**
 * Asks the engine where everything stands, at most once at a time and not again while the last answer is young enough: however
 * many pages poll and scrapers scrape, the engine is asked a bounded number of times a second.
 */
export class Sampler {
  readonly #view: EngineView
  readonly #clock: Clock
  readonly #decisions: VersionLog
  readonly #history: Counts[] = []
  #last: Sample | undefined
  #asking: Promise<Sample> | undefined

  constructor(view: EngineView, clock: Clock) {
    this.#view = view
    this.#decisions = new VersionLog(view)
    this.#clock = clock
  }

  /** A sample that is at most `maxAgeMs` old. @throws what the engine throws. */
  async sample(maxAgeMs: number): Promise<Sample> {
    if (this.#last !== undefined && this.#clock.now() - this.#last.atMs < maxAgeMs) return this.#last
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined
    })
    return this.#asking
  }

  async #ask(): Promise<Sample> {
    const [standings, specs, { ended }] = await Promise.all([this.#view.standings(), this.#view.topics(), this.#decisions.read()])
    const bounds = await Promise.all(specs.map(spec => this.#view.bounds(spec.name)))
    const atMs = this.#clock.now()
    const appended = new Map(specs.map((spec, i) => [spec.name, bounds[i]!.reduce((sum, partition) => sum + partition.next, 0)]))
    const handled = handledBy(standings)
    this.#remember({ atMs, appended, handled })
    const topics = specs.map((spec, i) => ({
      spec,
      bounds: bounds[i]!,
      appended: appended.get(spec.name)!,
      perSecond: this.#perSecond('appended', spec.name),
    }))
    const handledPerSecond = new Map([...handled.keys()].map(group => [group, this.#perSecond('handled', group)]))
    this.#last = { atMs, standings, ended: withGatherers(ended, standings), topics, handledPerSecond }
    return this.#last
  }

  /** Keeps what the rates need: the samples of the window, and the last one before it. Polls closer together than half a second replace each other. */
  #remember(counts: Counts): void {
    const history = this.#history
    if (history.length > 1 && counts.atMs - history.at(-2)!.atMs < 500) history.pop()
    history.push(counts)
    while (history.length > 2 && history[1]!.atMs <= counts.atMs - RATE_WINDOW_MS) history.shift()
  }

  #perSecond(of: 'appended' | 'handled', name: string): number {
    const last = this.#history.at(-1)!
    // A name that is new since the window began counts from when it was first seen.
    const since = this.#history.find(entry => entry[of].has(name))!
    if (last.atMs <= since.atMs) return 0
    return (last[of].get(name)! - since[of].get(name)!) / ((last.atMs - since.atMs) / 1_000)
  }
}

function handledBy(standings: readonly Standing[]): ReadonlyMap<string, number> {
  const handled = new Map<string, number>()
  for (const { group, checkpoint } of standings) handled.set(group, (handled.get(group) ?? 0) + checkpoint.done + checkpoint.dead)
  return handled
}
