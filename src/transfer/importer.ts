import type { Engine } from '../engine/engine.ts'
import { type DataId, ID_BYTES, parseInto } from '../envelope/data-id.ts'
import { type Envelope, JSON_TYPE } from '../envelope/envelope.ts'
import { FrameCursor, FrameWriter } from '../envelope/frame.ts'
import { isMillraceError, MillraceError } from '../errors.ts'
import { type Judged, judge, readValue } from '../frontend/datum.ts'
import type { Limits } from '../frontend/limits.ts'
import { type Route, RouteTable } from '../frontend/routes.ts'
import type { Pipeline } from '../pipeline.ts'
import { partitionOfId, partitionOfKey } from '../stream/partition.ts'
import type { TopicPartition } from '../stream/stream.ts'
import type { Found } from './found.ts'
import { OwnIds } from './own-ids.ts'

const BATCH_BYTES = 4 * 1024 * 1024
const BATCH_DATA = 5_000
const NO_PARENTS = new Uint8Array(0)

/** Where a datum stands that is imported: for people. */
export interface Spot {
  readonly file: string
  readonly at: number
}

export interface ImportOptions {
  readonly engine: Pick<Engine, 'append' | 'bounds' | 'find' | 'read'>
  readonly pipeline: Pipeline
  readonly limits: Limits
  /** All data go to this topic, whatever their envelopes say. */
  readonly topic?: string
  /** Topics that agents of the pipeline write may be imported too. */
  readonly derived: boolean
  readonly rejected: (spot: Spot, why: string) => void
}

/** Data on their way into one partition. */
interface Gathering {
  readonly topic: string
  readonly partition: number
  readonly writer: FrameWriter
  readonly spots: Spot[]
}

/**
 * Brings envelopes into the stream with all that they say of themselves: id, source, time, type, parents. Each id counts as one that its
 * producer gave, so an import that is run again stores nothing twice, for as long as ids are remembered. What does not match its topic is
 * told and left out; the rest is stored.
 */
export class Importer {
  stored = 0
  /** There already. */
  duplicate = 0
  rejected = 0
  readonly #options: ImportOptions
  readonly #routes: RouteTable
  readonly #ownIds: OwnIds
  readonly #gathering = new Map<string, Gathering>()
  readonly #id = Buffer.allocUnsafe(ID_BYTES)
  #bytes = 0
  #count = 0
  /** The file whose first datum was looked for last, so that each is once. */
  #compared: string | undefined

  constructor(options: ImportOptions) {
    this.#options = options
    this.#routes = new RouteTable(options.pipeline)
    this.#ownIds = new OwnIds(options.engine)
  }

  get settled(): number {
    return this.stored + this.duplicate + this.rejected
  }

  /** @throws what `append` throws: what was taken before is stored, and running the import again is safe. */
  async take(file: string, found: readonly Found[]): Promise<void> {
    for (const each of found) {
      const spot = { file, at: each.at }
      if ('problem' in each) this.#reject(spot, each.problem)
      else await this.#takeOne(each.envelope, spot)
    }
  }

  /** Stores what is gathered. @throws USAGE where the log has some of it under an id that it gave itself: nothing of it is stored then. */
  async flush(): Promise<void> {
    const gathered = [...this.#gathering.values()]
    this.#gathering.clear()
    this.#bytes = 0
    this.#count = 0
    if (gathered.length === 0) return
    const batches = gathered.map(({ topic, partition, writer }) => ({ topic, partition, ...writer.take() }))
    for (const [i, batch] of batches.entries()) {
      const own = await this.#ownIds.among(batch.frames, batch)
      if (own !== undefined) throw isOwn(gathered[i]!.spots[indexOf(batch.frames, own.dataId)]!, own.dataId, batch, own.offset)
    }
    const appended = await this.#options.engine.append(batches)
    for (const [i, { count, duplicates, taken }] of appended.entries()) {
      this.stored += count
      this.duplicate += duplicates.length
      for (const index of taken) this.#reject(gathered[i]!.spots[index]!, 'its data_id is another source’s in this log')
    }
  }

  async #takeOne(envelope: Envelope, spot: Spot): Promise<void> {
    const route = this.#route(envelope)
    const contentType = envelope.contentType ?? JSON_TYPE
    const data = Buffer.from(envelope.data.buffer, envelope.data.byteOffset, envelope.data.byteLength)
    const judged = await this.#judge(route, contentType, data)
    if (judged instanceof MillraceError) {
      this.#reject(spot, judged.message)
      return
    }
    if (this.#compared !== spot.file) {
      this.#compared = spot.file
      await this.#checkForeign(envelope, spot)
    }
    parseInto(this.#id, 0, envelope.dataId)
    this.#add(route, judged.key, envelope, contentType, data, spot)
    if (this.#bytes >= BATCH_BYTES || this.#count >= BATCH_DATA) await this.flush()
  }

  #add(route: Route, key: string | undefined, envelope: Envelope, contentType: string, data: Buffer, spot: Spot): void {
    const partition = key === undefined ? partitionOfId(this.#id, 0, route.partitions) : partitionOfKey(key, route.partitions)
    const name = `${partition}/${route.name}`
    let into = this.#gathering.get(name)
    if (into === undefined) {
      into = { topic: route.name, partition, writer: new FrameWriter(), spots: [] }
      this.#gathering.set(name, into)
    }
    const before = into.writer.byteLength
    into.writer.add({
      id: this.#id,
      idAt: 0,
      supplied: true,
      source: Buffer.from(envelope.source),
      createdMs: envelope.createdMs,
      contentType,
      type: '',
      key: key ?? '',
      parents: parentBytes(envelope),
      data,
    })
    into.spots.push(spot)
    this.#bytes += into.writer.byteLength - before
    this.#count++
  }

  /** @throws TOPIC_UNKNOWN, TYPE_MISSING; TOPIC_FORBIDDEN where an agent writes the topic: such a file is not the one that was meant. */
  #route(envelope: Envelope): Route {
    const name = this.#options.topic ?? envelope.type
    if (name === undefined) {
      throw new MillraceError('TYPE_MISSING', 'The envelopes do not say which topic they are for.', { fix: 'Name it with --topic.' })
    }
    const route = this.#routes.route(name)
    if (!route.isEntry && !this.#options.derived) {
      throw new MillraceError('TOPIC_FORBIDDEN', `Agents of ${this.#options.pipeline.name} write the topic '${name}'.`, {
        fix: 'Leave its files out: what the agents read is enough, and they derive the rest again, with the same ids. Or import it as it is with --derived.',
      })
    }
    return route
  }

  async #judge(route: Route, contentType: string, data: Buffer): Promise<Judged> {
    try {
      return await judge(route, readValue(contentType, data, this.#options.limits))
    } catch (error) {
      if (isMillraceError(error, 'BODY_MALFORMED')) return error
      throw error
    }
  }

  /**
   * The first datum of a file is looked for everywhere: in other topics and partitions than it would go to now, and among what agents derived
   * long after its time. That costs too much for each; the others are looked for where they would go, as they are stored.
   */
  async #checkForeign({ dataId }: Envelope, spot: Spot): Promise<void> {
    const { engine } = this.#options
    for (const { topic, partition, offset } of (await engine.find(dataId))?.positions ?? []) {
      const batch = await engine.read(topic, partition, offset, 1)
      const cursor = new FrameCursor(batch.frames)
      while (cursor.next()) {
        if (batch.first + cursor.index !== offset || cursor.isVoid || cursor.supplied) continue
        throw isOwn(spot, dataId, { topic, partition }, offset)
      }
    }
  }

  #reject(spot: Spot, why: string): void {
    this.rejected++
    this.#options.rejected(spot, why)
  }
}

function isOwn({ file, at }: Spot, dataId: DataId, { topic, partition }: TopicPartition, offset: number): MillraceError {
  return new MillraceError(
    'USAGE',
    `${file}:${at} is ${dataId}, which this log has at ${topic}, partition ${partition}, offset ${offset}, from a producer that gave no id: imported, it would be there twice.`,
    { fix: 'Import it into another data directory or stream, or leave that file out.' },
  )
}

/** Where in a batch a datum is that is known to be in it. */
function indexOf(frames: Uint8Array, dataId: DataId): number {
  const cursor = new FrameCursor(frames)
  while (cursor.next()) if (cursor.dataId === dataId) return cursor.index
  throw new TypeError(`The batch does not hold ${dataId}.`)
}

function parentBytes({ parents }: Envelope): Uint8Array {
  if (parents === undefined || parents.length === 0) return NO_PARENTS
  const bytes = Buffer.allocUnsafe(parents.length * ID_BYTES)
  for (const [i, parent] of parents.entries()) parseInto(bytes, i * ID_BYTES, parent)
  return bytes
}
