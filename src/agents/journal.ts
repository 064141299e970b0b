import type { Engine } from '../engine/engine.ts'
import { failpoint } from '../engine/failpoint.ts'
import { ID_BYTES } from '../envelope/data-id.ts'
import { FrameCursor, FrameWriter } from '../envelope/frame.ts'
import { IdSet } from '../envelope/id-set.ts'
import { MillraceError } from '../errors.ts'
import type { RecordBatch, TopicPartition, TopicSpec } from '../stream/stream.ts'
import type { Agent } from './agent.ts'
import type { Staged } from './outputs.ts'
import { REMEMBERED } from './seen-ids.ts'

type JournalEngine = Pick<Engine, 'append' | 'read' | 'bounds'>

const READ_BYTES = 1024 * 1024
const LOOK_BYTES = 64 * 1024
/** Runs that are read rather than halved. */
const FEW = 1_000
/** More than an agent goes on past a datum that waits. */
const SLACK = 20_000
const SOURCE = Buffer.from('millrace')
const NO_MEMBERS = new Uint8Array(0)

/** A datum's id and place, and the outputs of one run of it. */
export interface JournalRun {
  readonly id: Uint8Array
  readonly idAt: number
  readonly offset: number
  readonly outputs: readonly Staged[]
  /** Ids of the data that were handled with it as a whole: the outputs are theirs, too, and they have none of their own. */
  readonly members?: Uint8Array
}

/** What was written down of a datum's first run. */
export interface Recorded {
  readonly outputs: readonly Staged[]
  /** As in {@link JournalRun}; empty where it was run by itself. */
  readonly members: Uint8Array
}

/** An output as it is written down: text, or bytes in base64; ids of its own in hex. */
type Written = {
  readonly target: number
  readonly key: string
  readonly cause?: string
  readonly parents?: string
} & ({ readonly text: string } | { readonly base64: string })

/** The topic of an agent's journal. By its edition: a version that takes over another's place goes on with its journal. */
export function journalTopic(agent: Agent, edition: number): TopicSpec {
  return {
    name: `_journal.${agent.name}@${edition}`,
    partitions: Math.max(...agent.from.map(topic => topic.spec.partitions)),
    retentionMs: Math.max(...agent.from.map(topic => topic.spec.retentionMs)),
  }
}

/**
 * The first runs of the data of one partition. Of several runs of a datum the one that stands first in the log counts, for everybody: also for
 * one who has lost the partition unawares and writes beside its new owner.
 */
export class Journal {
  readonly #engine: JournalEngine
  readonly #topic: string
  readonly #place: TopicPartition
  /** Runs of data that lie further back are not asked for any more. */
  readonly #floor: number
  readonly #runs = new JournalIndex()
  /** The part of the journal that was read last: runs that are asked for follow each other. */
  #held: RecordBatch | undefined
  #next = 0

  private constructor(engine: JournalEngine, topic: string, place: TopicPartition, floor: number) {
    this.#engine = engine
    this.#topic = topic
    this.#place = place
    this.#floor = floor
  }

  /** Opens the journal of a partition and reads what in it is of data at or beyond `committed`, or of their copies' firsts. */
  static async open(
    engine: JournalEngine & Pick<Engine, 'ensure'>,
    spec: TopicSpec,
    place: TopicPartition,
    committed: number,
    signal: AbortSignal,
  ): Promise<Journal> {
    await engine.ensure([spec])
    const journal = new Journal(engine, spec.name, place, committed - REMEMBERED)
    const { first, next } = (await engine.bounds(spec.name))[place.partition]!
    journal.#next = await journal.#begin(first, next)
    await journal.#readTo(next, signal)
    return journal
  }

  /** The outputs of the datum's first run, none where it was a member of another's; undefined where there was no run. */
  recorded(id: Uint8Array, idAt: number): Promise<Recorded> | undefined {
    const offset = this.#runs.offsetOf(id, idAt)
    return offset === undefined ? undefined : this.#at(offset, id, idAt)
  }

  /** Whether {@link recorded} has something; reads nothing. */
  has(id: Uint8Array, idAt: number): boolean {
    return this.#runs.offsetOf(id, idAt) !== undefined
  }

  /**
   * Makes runs durable. @returns for each the outputs that count: its own, or those of a run that was before it.
   * @throws LEASE_LOST where a run of several data does not count, for another has run some of them: who has the next lease handles the rest.
   */
  async record(runs: readonly JournalRun[]): Promise<readonly (readonly Staged[])[]> {
    const fresh = runs.filter(({ id, idAt }) => this.#runs.offsetOf(id, idAt) === undefined)
    const first = await this.#append(fresh)
    failpoint('after-journal')
    await this.#readTo(first + fresh.length)
    return Promise.all(
      runs.map(run => {
        const counts = this.#runs.offsetOf(run.id, run.idAt)
        // Of two runs of one datum in this very append the second does not count, either.
        const own = fresh.indexOf(run)
        if (own >= 0 && counts === first + own) return run.outputs
        if (run.members !== undefined) throw outrun(this.#key)
        if (counts === undefined) throw lost(this.#topic, first)
        return this.#at(counts, run.id, run.idAt).then(({ outputs }) => outputs)
      }),
    )
  }

  /** @returns the offset of the first. */
  async #append(runs: readonly JournalRun[]): Promise<number> {
    if (runs.length === 0) return this.#next
    const writer = new FrameWriter()
    for (const { id, idAt, offset, outputs, members = NO_MEMBERS } of runs) {
      writer.add({
        ...{ id, idAt, supplied: false, source: SOURCE, createdMs: 0, contentType: 'application/json' },
        ...{ type: '', key: `${this.#key}/${offset}`, parents: members, data: JSON.stringify(outputs.map(written)) },
      })
    }
    const { partition } = this.#place
    const [appended] = await this.#engine.append([{ topic: this.#topic, partition, ...writer.take() }])
    return appended!.first
  }

  get #key(): string {
    return `${this.#place.topic}/${this.#place.partition}`
  }

  /** Where in the source the run's datum stands; undefined where it is another partition's. */
  #sourceOffset(cursor: FrameCursor): number | undefined {
    if (cursor.isVoid) return undefined
    const { key } = cursor
    const end = key.lastIndexOf('/')
    return key.slice(0, end) === this.#key ? Number(key.slice(end + 1)) : undefined
  }

  /**
   * Where reading has to begin, by halving: runs stand nearly in the order of their data, an agent that is not ordered gets ahead of itself by
   * less than {@link SLACK}. Where nothing of this partition stands near the middle, it is not passed over.
   */
  async #begin(first: number, next: number): Promise<number> {
    let low = first
    for (let high = next; high - low > FEW; ) {
      const middle = Math.floor((low + high) / 2)
      const batch = await this.#engine.read(this.#topic, this.#place.partition, middle, LOOK_BYTES)
      const cursor = new FrameCursor(batch.frames)
      let offset: number | undefined
      while (offset === undefined && cursor.next()) if (batch.first + cursor.index >= middle) offset = this.#sourceOffset(cursor)
      if (offset === undefined || offset >= this.#floor - SLACK) high = middle
      else low = middle
    }
    return low
  }

  async #readTo(end: number, signal?: AbortSignal): Promise<void> {
    while (this.#next < end && signal?.aborted !== true) {
      const batch = await this.#engine.read(this.#topic, this.#place.partition, this.#next, READ_BYTES)
      // What was appended is there: a reader that is behind has not come so far yet.
      if (batch.count === 0 && batch.first <= this.#next) throw lost(this.#topic, this.#next)
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) {
        const offset = batch.first + cursor.index
        const source = offset < this.#next ? undefined : this.#sourceOffset(cursor)
        if (source !== undefined && source >= this.#floor) this.#runs.add(cursor.bytes, cursor.idAt, cursor.parents, offset)
      }
      this.#next = batch.first + batch.count
    }
  }

  async #at(offset: number, id: Uint8Array, idAt: number): Promise<Recorded> {
    const held = this.#held
    const batch =
      held !== undefined && offset >= held.first && offset < held.first + held.count
        ? held
        : await this.#engine.read(this.#topic, this.#place.partition, offset, LOOK_BYTES)
    this.#held = batch
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      if (batch.first + cursor.index !== offset) continue
      const own = id.subarray(idAt, idAt + ID_BYTES)
      if (own.some((byte, i) => byte !== cursor.bytes[cursor.idAt + i])) return { outputs: [], members: NO_MEMBERS }
      // Only record() writes these.
      return { outputs: (JSON.parse(cursor.dataText) as Written[]).map(staged), members: Buffer.from(cursor.parents) }
    }
    throw lost(this.#topic, offset)
  }
}

/** Where the first run of each datum stands: of the last {@link REMEMBERED} data at least, and of twice as many at most. */
class JournalIndex {
  #older = { ids: new IdSet(), offsets: [] as number[] }
  #younger = { ids: new IdSet(), offsets: [] as number[] }

  offsetOf(id: Uint8Array, at: number): number | undefined {
    for (const { ids, offsets } of [this.#younger, this.#older]) {
      const index = ids.indexOf(id, at)
      if (index >= 0) return offsets[index]
    }
    return undefined
  }

  /** Where there is one of any of its data already, the run does not count. */
  add(id: Uint8Array, at: number, members: Uint8Array, offset: number): void {
    if (this.#has(id, at)) return
    for (let m = 0; m < members.length; m += ID_BYTES) if (this.#has(members, m)) return
    this.#put(id, at, offset)
    for (let m = 0; m < members.length; m += ID_BYTES) this.#put(members, m, offset)
  }

  #has(id: Uint8Array, at: number): boolean {
    return this.#older.ids.has(id, at) || this.#younger.ids.has(id, at)
  }

  #put(id: Uint8Array, at: number, offset: number): void {
    this.#younger.ids.add(id, at)
    this.#younger.offsets.push(offset)
    if (this.#younger.ids.count < REMEMBERED + SLACK) return
    this.#older = this.#younger
    this.#younger = { ids: new IdSet(), offsets: [] }
  }
}

function outrun(place: string): MillraceError {
  return new MillraceError('LEASE_LOST', `Another process has handled data of ${place} that were in hand here.`)
}

/** It may be there a moment later, or retention has passed it: whoever has the next lease looks again. */
function lost(topic: string, offset: number): MillraceError {
  return new MillraceError('STREAM_UNAVAILABLE', `The journal ${topic} cannot be read at offset ${offset}.`, {
    fix: 'It is tried again. Where it stays so, retention has passed what is needed: make the retention of the topics that the agent reads longer.',
  })
}

function written({ target, key, data, cause, parents }: Staged): Written {
  return {
    ...{ target, key },
    ...(cause === undefined ? {} : { cause: Buffer.from(cause).toString('hex') }),
    ...(parents === undefined ? {} : { parents: Buffer.from(parents).toString('hex') }),
    ...(typeof data === 'string' ? { text: data } : { base64: Buffer.from(data).toString('base64') }),
  }
}

function staged(output: Written): Staged {
  const { target, key, cause, parents } = output
  return {
    ...{ target, key },
    ...(cause === undefined ? {} : { cause: Buffer.from(cause, 'hex') }),
    ...(parents === undefined ? {} : { parents: Buffer.from(parents, 'hex') }),
    data: 'text' in output ? output.text : Buffer.from(output.base64, 'base64'),
  }
}
