import type { Clock } from '../clock.ts'
import type { Engine, EngineView } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { MillraceError } from '../errors.ts'
import { knownRange } from '../stream/known-range.ts'
import { notesBatch } from '../stream/notes.ts'
import type { TopicPartition, TopicSpec } from '../stream/stream.ts'
import type { AgentVersion, Range } from '../trace/trace.ts'
import { addFates, type Fates, type GivenAgain, NO_FATES } from './replay.ts'

/** What was replayed, by whom, and how far that is. */
export const REPLAYS: TopicSpec = { name: '_replays', partitions: 1, retentionMs: Number.POSITIVE_INFINITY }
const PLACE = { topic: REPLAYS.name, partition: 0 }
const READ_BYTES = 4 * 1024 * 1024

/** Positions of one partition. */
export interface PlaceRange extends TopicPartition, Range {}

/** Which data are to be replayed. */
export interface Chosen {
  /** In words, for people: `demand from 2026-01-31T08:00:00.000Z to latest, key CE`. */
  readonly words: string
  /** Where they lie, in the order in which they are put again. Empty where dead letters are replayed. */
  readonly ranges: readonly PlaceRange[]
  /** Of these positions, only data of this key. */
  readonly key?: string
}

/** A replay that somebody asked for. */
export interface ReplayRecord {
  /** Counted from 1 in each pipeline, with gaps; names it on the command line. */
  readonly replay: number
  readonly agent: AgentVersion
  readonly by: string
  readonly startedMs: number
  readonly chosen: Chosen
  readonly perSecond: number
  readonly fates: Fates
  /** Where it goes on: an index of its ranges, and the first offset there that was not looked at. */
  readonly at: { readonly range: number; readonly offset: number }
  /** The replay topic that its data are in, and where they end; undefined before the first. */
  readonly put?: { readonly topic: string; readonly end: number }
  /** When it was last heard of, and, where it has ended, whether it came to its end. */
  readonly heardMs: number
  readonly ended?: { readonly complete: boolean }
}

/** One entry of it. Its offsets are those of the stream that it is in: a move writes them anew. */
export type ReplayEvent =
  | {
      readonly kind: 'begun'
      readonly agent: AgentVersion
      readonly by: string
      readonly chosen: Chosen
      readonly perSecond: number
      readonly atMs: number
    }
  | {
      readonly kind: 'put'
      readonly replay: number
      readonly fates: Fates
      readonly at: ReplayRecord['at']
      readonly put: { readonly topic: string; readonly end: number }
      readonly atMs: number
    }
  /** `fates`: of what was put otherwise, as letters are. */
  | { readonly kind: 'ended'; readonly replay: number; readonly complete: boolean; readonly fates?: Fates; readonly atMs: number }

/**
 * The replays of a pipeline: each portion is put again and then written down, so that a replay that was cut off goes on where it was. A portion
 * that was put and not written down is put again, which changes nothing ({@link Engine.replay}).
 */
export class ReplayLog {
  readonly #engine: Pick<Engine, 'ensure' | 'append' | 'replay'>
  readonly #clock: Clock

  constructor(engine: Pick<Engine, 'ensure' | 'append' | 'replay'>, clock: Clock) {
    this.#engine = engine
    this.#clock = clock
  }

  /** @returns the replay's number. */
  async begin(agent: AgentVersion, chosen: Chosen, perSecond: number, by: string): Promise<number> {
    await this.#engine.ensure([REPLAYS])
    return (await this.#note({ kind: 'begun', agent, by, chosen, perSecond, atMs: this.#clock.now() })) + 1
  }

  /** Puts data again that are among a range of the replay. @throws what {@link Engine.replay} throws */
  async put({ number, agent, range, place, ranges }: ReplayPortion): Promise<GivenAgain> {
    const given = await this.#engine.replay(agent, place, ranges)
    const { fates, next, topic, end } = given
    await this.#note({ kind: 'put', replay: number, fates, at: { range, offset: next }, put: { topic, end }, atMs: this.#clock.now() })
    return given
  }

  async end(replay: number, complete: boolean, fates?: Fates): Promise<void> {
    await this.#note({ kind: 'ended', replay, complete, ...(fates === undefined ? {} : { fates }), atMs: this.#clock.now() })
  }

  async #note(event: ReplayEvent): Promise<number> {
    const note = { key: '', data: JSON.stringify(event) }
    const [appended] = await this.#engine.append([notesBatch(REPLAYS.name, 0, [note], this.#clock.now())])
    return appended!.first
  }
}

/** A portion of a replay: some positions of one of its ranges. */
export interface ReplayPortion {
  /** The replay's. */
  readonly number: number
  readonly agent: AgentVersion
  /** Its index among the replay's ranges. */
  readonly range: number
  readonly place: TopicPartition
  readonly ranges: readonly Range[]
}

type ReplayView = Pick<EngineView, 'topics' | 'bounds' | 'read'>

/** The replays as they are written down, read on from where it was read to last. */
export class ReplayReader {
  readonly #view: ReplayView
  readonly #records = new Map<number, ReplayRecord>()
  #next = 0
  #exists = false
  /** One reads at a time: no event counts twice. */
  #turn: Promise<unknown> = Promise.resolve()

  constructor(view: ReplayView) {
    this.#view = view
  }

  /** Every replay that was begun, the newest first. */
  async all(): Promise<ReplayRecord[]> {
    await this.#readOn()
    return [...this.#records.values()].reverse()
  }

  /** @throws REPLAY_UNKNOWN */
  async one(number: number): Promise<ReplayRecord> {
    await this.#readOn()
    const record = this.#records.get(number)
    if (record !== undefined) return record
    throw new MillraceError('REPLAY_UNKNOWN', `There is no replay ${number}.`, { fix: 'millrace replay list shows them all.' })
  }

  #readOn(): Promise<void> {
    const reading = this.#turn.then(() => this.#read())
    this.#turn = reading.catch(() => undefined)
    return reading
  }

  async #read(): Promise<void> {
    this.#exists ||= (await this.#view.topics()).some(({ name }) => name === REPLAYS.name)
    if (!this.#exists) return
    const range = { first: this.#next, end: (await this.#view.bounds(REPLAYS.name))[0]?.next ?? 0 }
    for await (const batch of knownRange(this.#view, PLACE, range, { readBytes: READ_BYTES })) {
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) {
        // Only ReplayLog writes these.
        if (!cursor.isVoid) apply(this.#records, JSON.parse(cursor.dataText) as ReplayEvent, batch.first + cursor.index + 1)
      }
      this.#next = batch.first + batch.count
    }
  }
}

function apply(records: Map<number, ReplayRecord>, event: ReplayEvent, number: number): void {
  if (event.kind === 'begun') {
    const { kind: _, atMs, ...begun } = event
    const at = { range: 0, offset: begun.chosen.ranges[0]?.first ?? 0 }
    records.set(number, { replay: number, ...begun, startedMs: atMs, heardMs: atMs, fates: NO_FATES, at })
    return
  }
  const record = records.get(event.replay)
  if (record === undefined) return
  if (event.kind === 'put') {
    // Of two that go on with one replay, the one that is further counts.
    const { ended: _, ...going } = record
    const at = isBehind(record.at, event.at) ? event.at : record.at
    records.set(event.replay, { ...going, fates: addFates(record.fates, event.fates), at, put: event.put, heardMs: event.atMs })
  } else {
    const fates = event.fates === undefined ? record.fates : addFates(record.fates, event.fates)
    records.set(event.replay, { ...record, fates, ended: { complete: event.complete }, heardMs: event.atMs })
  }
}

function isBehind(one: ReplayRecord['at'], other: ReplayRecord['at']): boolean {
  return one.range < other.range || (one.range === other.range && one.offset < other.offset)
}
