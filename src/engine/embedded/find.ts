import type { DatabaseSync } from 'node:sqlite'
import { type DataId, formatId, ID_BYTES, idTimeMs, parseId } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import type { Position, TraceRecord } from '../../trace/trace.ts'
import type { Catalog } from './catalog.ts'
import { framesOf } from './frames.ts'
import type { LogReader } from './log-reader.ts'
import { bytesAt, numberAt, Query } from './rows.ts'
import type { TraceReader } from './trace-reader.ts'

/**
 * When a datum was appended, against its id's time, the likeliest first: after it was minted or its first ancestor was; a little before, by another
 * clock; then slow producers, and clocks far apart.
 */
const SPANS = [
  { fromMs: 0, toMs: 3_000 },
  { fromMs: -1_000, toMs: 0 },
  { fromMs: -60_000, toMs: 120_000 },
] as const
/** A search by time looks at so many bytes at most, a walk along outputs at so many positions. */
const SCAN_BYTES = 64 * 1024 * 1024
const WALK_POSITIONS = 2_000
/** What descends from one datum shares so many bytes of its id. */
const FAMILY_BYTES = 6

type Known = Pick<Position, 'topic' | 'partition' | 'offset'>

interface Spot {
  readonly place: number
  readonly offset: number
}

/** Finds a datum by its id alone: no index holds minted and derived ids, as their time says where to look. */
export class Finder {
  readonly #buckets: Query
  readonly #byTime: Query
  readonly #holding: Query
  readonly #letters: Query
  readonly #replays: Query
  readonly #replayed: Query
  readonly #db: DatabaseSync
  readonly #catalog: Catalog
  readonly #log: LogReader
  readonly #trace: TraceReader

  constructor(db: DatabaseSync, catalog: Catalog, log: LogReader, trace: TraceReader) {
    this.#db = db
    this.#catalog = catalog
    this.#log = log
    this.#trace = trace
    this.#buckets = new Query(db, 'SELECT bucket FROM id_buckets ORDER BY bucket DESC')
    this.#byTime = new Query(
      db,
      'SELECT place, first, frames FROM batches WHERE appended_ms >= ? AND appended_ms <= ? ORDER BY appended_ms, seq',
    )
    this.#holding = new Query(db, 'SELECT first, appended_ms FROM batches WHERE place = ? AND first <= ? ORDER BY first DESC LIMIT 1')
    this.#letters = new Query(db, 'SELECT letter, place, offset, frame FROM letters WHERE data_id = ?')
    this.#replayed = new Query(
      db,
      `SELECT place, first + ?2 - origin_first FROM replay_origins
       WHERE origin = ?1 AND origin_first <= ?2 AND origin_first + end - first > ?2`,
    )
    this.#replays = new Query(db, 'SELECT place, offset FROM letter_replays WHERE letter = ? ORDER BY offset')
  }

  /** @param at a position that the caller knows: the log is not searched where the datum is there. */
  find(dataId: DataId, at?: Known): TraceRecord | undefined {
    const id = parseId(dataId)
    const spots = this.#known(id, at) ?? this.#spots(id)
    const letters = this.#letters.all(id)
    for (const letter of letters) {
      spots.push({ place: numberAt(letter, 1), offset: numberAt(letter, 2) })
      for (const row of this.#replays.all(numberAt(letter, 0))) spots.push({ place: numberAt(row, 0), offset: numberAt(row, 1) })
    }
    for (const { place, offset } of [...spots])
      spots.push(...this.#replayed.all(place, offset).map(row => ({ place: numberAt(row, 0), offset: numberAt(row, 1) })))
    const seen = new Map(spots.map(spot => [`${spot.place}:${spot.offset}`, spot]))
    if (seen.size === 0) return undefined
    const marks = [...seen.values()].flatMap(spot => this.#trace.marks(spot.place, spot.offset))
    const positions = [...seen.values()].flatMap(spot => this.#position(spot))
    for (const spot of seen.values()) {
      const frame = this.#frame(spot, id)
      if (frame !== undefined) return record(frame, positions, marks)
    }
    // Retention has passed the datum; its dead letter still holds it, unless that has expired too.
    const kept = letters.find(letter => bytesAt(letter, 3).length > 0)
    if (kept === undefined) return undefined
    const frame = new FrameCursor(bytesAt(kept, 3))
    frame.next()
    return record(frame, positions, marks)
  }

  #known(id: Buffer, at: Known | undefined): Spot[] | undefined {
    if (at === undefined) return undefined
    const spot = { place: this.#catalog.place(at.topic, at.partition), offset: at.offset }
    return this.#frame(spot, id) === undefined ? undefined : [spot]
  }

  #spots(id: Buffer): Spot[] {
    const indexed = this.#indexed(id)
    if (indexed.length > 0) return indexed
    const relatives = new Map<string, Spot>()
    const walked = new Set<string>()
    const timeMs = idTimeMs(id, 0)
    for (const span of SPANS) {
      const found = this.#scan(id, timeMs + span.fromMs, timeMs + span.toMs, relatives)
      if (found.length > 0) return found
      const derived = this.#walk(id, [...relatives.values(), ...this.#indexedFamily(id)], walked)
      if (derived.length > 0) return derived
    }
    return []
  }

  /** By the index of supplied ids. */
  #indexed(id: Buffer): Spot[] {
    return this.#buckets.all().flatMap(bucket => {
      const row = new Query(this.#db, `SELECT place, offset FROM ids_${numberAt(bucket, 0)} WHERE id = ?`).one(id)
      return row === undefined ? [] : [{ place: numberAt(row, 0), offset: numberAt(row, 1) }]
    })
  }

  /** Supplied ids that a derived one may descend from. */
  #indexedFamily(id: Buffer): Spot[] {
    const low = Buffer.alloc(ID_BYTES, 0)
    const high = Buffer.alloc(ID_BYTES, 0xff)
    id.copy(low, 0, 0, FAMILY_BYTES)
    id.copy(high, 0, 0, FAMILY_BYTES)
    return this.#buckets
      .all()
      .flatMap(bucket =>
        new Query(this.#db, `SELECT place, offset FROM ids_${numberAt(bucket, 0)} WHERE id BETWEEN ? AND ? LIMIT ${WALK_POSITIONS}`)
          .all(low, high)
          .map(row => ({ place: numberAt(row, 0), offset: numberAt(row, 1) })),
      )
  }

  /** Through the batches appended in a span of time, until one holds the id: what was put again stands behind it, and is known by other ways. */
  #scan(id: Buffer, fromMs: number, toMs: number, relatives: Map<string, Spot>): Spot[] {
    const family = id.subarray(0, FAMILY_BYTES)
    let bytes = 0
    for (const row of this.#byTime.each(fromMs, toMs)) {
      const place = numberAt(row, 0)
      const first = numberAt(row, 1)
      const frames = bytesAt(row, 2)
      const found = framesOf(frames, id)
      if (found.length > 0) return found.map(index => ({ place, offset: first + index }))
      if (relatives.size < WALK_POSITIONS) {
        for (const index of framesOf(frames, family)) relatives.set(`${place}:${first + index}`, { place, offset: first + index })
      }
      bytes += frames.length
      if (bytes > SCAN_BYTES) break
    }
    return []
  }

  /** From relatives along the outputs of the work done on them, as far as the family goes. @param seen outputs that were looked through before. */
  #walk(id: Buffer, roots: readonly Spot[], seen: Set<string>): Spot[] {
    const family = id.subarray(0, FAMILY_BYTES)
    const queue = [...roots]
    for (let i = 0; i < queue.length && i < WALK_POSITIONS; i++) {
      // The loop's own condition keeps i below the length.
      const { place, offset } = queue[i]!
      for (const range of this.#trace.outputs(place, offset)) {
        const key = `${range.place}:${range.first}:${range.end}`
        if (seen.has(key)) continue
        seen.add(key)
        for (let at = range.first; at < range.end; ) {
          const batch = this.#log.read(this.#catalog.at(range.place), at, 1)
          if (batch.count === 0) break
          const here = (wanted: Buffer) =>
            framesOf(batch.frames, wanted)
              .map(index => ({ place: range.place, offset: batch.first + index }))
              .filter(spot => spot.offset >= range.first && spot.offset < range.end)
          const found = here(id)
          if (found.length > 0) return found
          queue.push(...here(family))
          at = batch.first + batch.count
        }
      }
    }
    return []
  }

  #position({ place, offset }: Spot): Position[] {
    const row = this.#holding.one(place, offset)
    if (row === undefined) return []
    const { topic, partition } = this.#catalog.at(place)
    return [{ topic, partition, offset, appendedMs: numberAt(row, 1) }]
  }

  /** The datum's frame, where the log still has it. */
  #frame({ place, offset }: Spot, id: Buffer): FrameCursor | undefined {
    const batch = this.#log.read(this.#catalog.at(place), offset, 1)
    if (batch.count === 0 || batch.first > offset) return undefined
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      if (batch.first + cursor.index === offset)
        return cursor.bytes.compare(id, 0, ID_BYTES, cursor.idAt, cursor.idAt + ID_BYTES) === 0 ? cursor : undefined
    }
    return undefined
  }
}

function record(frame: FrameCursor, positions: Position[], marks: TraceRecord['marks']): TraceRecord {
  const parents: DataId[] = []
  for (let i = 0; i < frame.parentCount; i++) parents.push(formatId(frame.parents, i * ID_BYTES))
  return { dataId: frame.dataId, positions, source: frame.source, createdMs: frame.createdMs, parents, marks }
}
