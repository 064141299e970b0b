import type { Engine } from '../engine/engine.ts'
import { failpoint } from '../engine/failpoint.ts'
import { FrameCursor, FrameWriter } from '../envelope/frame.ts'
import { IdSet } from '../envelope/id-set.ts'
import type { TopicPartition, TopicSpec } from '../stream/stream.ts'
import type { Agent } from './agent.ts'
import type { Staged } from './outputs.ts'

const READ_BYTES = 1024 * 1024
const SOURCE = Buffer.from('millrace')
const NO_PARENTS = new Uint8Array(0)

/** A datum's id and the outputs of one run of it. */
export interface JournalRun {
  readonly id: Uint8Array
  readonly idAt: number
  readonly outputs: readonly Staged[]
}

/** An output as it is written down: text, or bytes in base64. */
type Written =
  | { readonly target: number; readonly key: string; readonly text: string }
  | { readonly target: number; readonly key: string; readonly base64: string }

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
 * one who has lost the partition unawares and writes beside its new owner. Memory: 32 bytes for each run within the topic's retention.
 */
export class Journal {
  readonly #engine: Pick<Engine, 'append' | 'read' | 'bounds'>
  readonly #topic: string
  readonly #partition: number
  readonly #key: string
  readonly #ids = new IdSet()
  /** Where each of them stands. */
  readonly #offsets: number[] = []
  #next = 0

  private constructor(engine: Pick<Engine, 'append' | 'read' | 'bounds'>, spec: TopicSpec, place: TopicPartition) {
    this.#engine = engine
    this.#topic = spec.name
    this.#partition = place.partition
    this.#key = `${place.topic}/${place.partition}`
  }

  /** Opens the journal of a partition and reads what stands in it. */
  static async open(
    engine: Pick<Engine, 'append' | 'read' | 'bounds' | 'ensure'>,
    spec: TopicSpec,
    place: TopicPartition,
  ): Promise<Journal> {
    await engine.ensure([spec])
    const journal = new Journal(engine, spec, place)
    const bounds = (await engine.bounds(spec.name))[place.partition]!
    journal.#next = bounds.first
    await journal.#readTo(bounds.next)
    return journal
  }

  /** The outputs of the datum's first run; undefined where there was none. */
  recorded(id: Uint8Array, idAt: number): Promise<readonly Staged[]> | undefined {
    const index = this.#ids.indexOf(id, idAt)
    return index < 0 ? undefined : this.#at(this.#offsets[index]!)
  }

  /** Makes runs durable. @returns for each the outputs that count: its own, or those of a run that was before it. */
  async record(runs: readonly JournalRun[]): Promise<readonly (readonly Staged[])[]> {
    const first = await this.#append(runs.filter(({ id, idAt }) => !this.#ids.has(id, idAt)))
    failpoint('after-journal')
    await this.#readTo(first.end)
    return Promise.all(
      runs.map(({ id, idAt, outputs }) => {
        const offset = this.#offsets[this.#ids.indexOf(id, idAt)]!
        const isOwn = offset >= first.offset && offset < first.end
        return isOwn ? outputs : this.#at(offset)
      }),
    )
  }

  async #append(runs: readonly JournalRun[]): Promise<{ readonly offset: number; readonly end: number }> {
    if (runs.length === 0) return { offset: this.#next, end: this.#next }
    const writer = new FrameWriter()
    for (const { id, idAt, outputs } of runs) {
      const data = JSON.stringify(outputs.map(written))
      writer.add({
        ...{ id, idAt, supplied: false, source: SOURCE, createdMs: 0, contentType: 'application/json' },
        ...{ type: '', key: this.#key, parents: NO_PARENTS, data },
      })
    }
    const [appended] = await this.#engine.append([{ topic: this.#topic, partition: this.#partition, ...writer.take() }])
    return { offset: appended!.first, end: appended!.first + runs.length }
  }

  async #readTo(end: number): Promise<void> {
    while (this.#next < end) {
      const batch = await this.#engine.read(this.#topic, this.#partition, this.#next, READ_BYTES)
      if (batch.count === 0) return
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) {
        const offset = batch.first + cursor.index
        if (offset < this.#next || cursor.isVoid || cursor.key !== this.#key) continue
        if (this.#ids.add(cursor.bytes, cursor.idAt)) this.#offsets.push(offset)
      }
      this.#next = batch.first + batch.count
    }
  }

  async #at(offset: number): Promise<readonly Staged[]> {
    const batch = await this.#engine.read(this.#topic, this.#partition, offset, 1)
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      // Only record() writes these.
      if (batch.first + cursor.index === offset) return (JSON.parse(cursor.dataText) as Written[]).map(staged)
    }
    throw new RangeError(`The journal ${this.#topic}/${this.#partition} has no offset ${offset}: retention has passed it.`)
  }
}

function written({ target, key, data }: Staged): Written {
  return typeof data === 'string' ? { target, key, text: data } : { target, key, base64: Buffer.from(data).toString('base64') }
}

function staged(output: Written): Staged {
  const { target, key } = output
  return { target, key, data: 'text' in output ? output.text : Buffer.from(output.base64, 'base64') }
}
