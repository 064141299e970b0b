import type { Clock } from '../clock.ts'
import type { EngineView, Standing } from '../engine/engine.ts'
import { CANARY_TOPIC } from '../objectives/canary.ts'
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
  /** Groups that take nothing until they are resumed. */
  readonly paused: Versions['paused']
  readonly topics: readonly TopicSample[]
  /** Done and dead a second by group, whichever processes did it, over the last {@link RATE_WINDOW_MS}. */
  readonly handledPerSecond: ReadonlyMap<string, number>
  /** Data a second that groups have got past in a topic, by {@link readingName}, over the last {@link RATE_WINDOW_MS}. */
  readonly passedPerSecond: ReadonlyMap<string, number>
}

/** A group's way through one topic. */
export function readingName(group: string, topic: string): string {
  return `${group} ${topic}`
}

export interface TopicSample {
  readonly spec: TopicSpec
  readonly bounds: readonly Bounds[]
  /** Data ever appended: the next offsets of all partitions together. */
  readonly appended: number
  /** Appended a second, by producers and agents, over the last {@link RATE_WINDOW_MS}. */
  readonly perSecond: number
  /** The same by partition. */
  readonly partitionsPerSecond: readonly number[]
  /** Of its data in the log, where its size is bounded and the engine tells it. */
  readonly bytes?: number
}

/** Counts that only rise, by name, at one moment. */
interface Counts {
  readonly atMs: number
  readonly appended: ReadonlyMap<string, number>
  readonly handled: ReadonlyMap<string, number>
  readonly passed: ReadonlyMap<string, number>
  /** The next offset of every partition, by topic. */
  readonly next: ReadonlyMap<string, readonly number[]>
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
    const [places, specs, { ended, paused }] = await Promise.all([this.#view.standings(), this.#view.topics(), this.#decisions.read()])
    // What agents do for canaries is none of their work.
    const standings = places.filter(({ topic }) => topic !== CANARY_TOPIC.name)
    const bounds = await Promise.all(specs.map(spec => this.#view.bounds(spec.name)))
    const bytes = await Promise.all(specs.map(spec => (spec.retentionBytes === undefined ? undefined : this.#view.sizeOf?.(spec.name))))
    const atMs = this.#clock.now()
    const appended = new Map(specs.map((spec, i) => [spec.name, bounds[i]!.reduce((sum, partition) => sum + partition.next, 0)]))
    const handled = sumBy(standings, ({ group, checkpoint }) => [group, checkpoint.done + checkpoint.dead])
    const passed = sumBy(standings, ({ group, topic, checkpoint }) => [readingName(group, topic), checkpoint.offset])
    const next = new Map(specs.map((spec, i) => [spec.name, bounds[i]!.map(partition => partition.next)]))
    this.#remember({ atMs, appended, handled, passed, next })
    const topics = specs.map((spec, i) => ({
      spec,
      bounds: bounds[i]!,
      appended: appended.get(spec.name)!,
      perSecond: this.#perSecond('appended', spec.name),
      partitionsPerSecond: this.#partitionsPerSecond(spec.name),
      ...(bytes[i] === undefined ? {} : { bytes: bytes[i] }),
    }))
    const handledPerSecond = this.#allPerSecond('handled', handled)
    const passedPerSecond = this.#allPerSecond('passed', passed)
    this.#last = { atMs, standings, ended: withGatherers(ended, standings), paused, topics, handledPerSecond, passedPerSecond }
    return this.#last
  }

  /** Keeps what the rates need: the samples of the window, and the last one before it. Polls closer together than half a second replace each other. */
  #remember(counts: Counts): void {
    const history = this.#history
    if (history.length > 1 && counts.atMs - history.at(-2)!.atMs < 500) history.pop()
    history.push(counts)
    while (history.length > 2 && history[1]!.atMs <= counts.atMs - RATE_WINDOW_MS) history.shift()
  }

  #partitionsPerSecond(topic: string): readonly number[] {
    const last = this.#history.at(-1)!
    const since = this.#history.find(entry => entry.next.has(topic))!
    const seconds = (last.atMs - since.atMs) / 1_000
    return last.next.get(topic)!.map((next, partition) => (seconds <= 0 ? 0 : (next - (since.next.get(topic)![partition] ?? 0)) / seconds))
  }

  #allPerSecond(of: 'handled' | 'passed', counts: ReadonlyMap<string, number>): ReadonlyMap<string, number> {
    return new Map([...counts.keys()].map(name => [name, this.#perSecond(of, name)]))
  }

  #perSecond(of: 'appended' | 'handled' | 'passed', name: string): number {
    const last = this.#history.at(-1)!
    // A name that is new since the window began counts from when it was first seen.
    const since = this.#history.find(entry => entry[of].has(name))!
    if (last.atMs <= since.atMs) return 0
    return (last[of].get(name)! - since[of].get(name)!) / ((last.atMs - since.atMs) / 1_000)
  }
}

function sumBy(standings: readonly Standing[], countOf: (standing: Standing) => readonly [string, number]): ReadonlyMap<string, number> {
  const sums = new Map<string, number>()
  for (const standing of standings) {
    const [name, count] = countOf(standing)
    sums.set(name, (sums.get(name) ?? 0) + count)
  }
  return sums
}
