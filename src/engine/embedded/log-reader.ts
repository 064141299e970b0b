import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '../../errors.ts'
import type { Bounds, RecordBatch, TopicPartition } from '../../stream/stream.ts'
import type { Place } from './catalog.ts'
import { rowChecksum } from './checksum.ts'
import { bytesAt, numberAt, Query, type Row } from './rows.ts'

const SQLITE_CORRUPT = 11
const COLUMNS = 'first, count, appended_ms, ascii, crc, frames'

/** The reading side of the log, over any connection. */
export class LogReader {
  readonly #from: Query
  readonly #first: Query
  readonly #next: Query
  readonly #floor: Query
  readonly #appended: Query
  readonly #bytes: Query

  constructor(db: DatabaseSync) {
    this.#from = new Query(
      db,
      `SELECT ${COLUMNS} FROM batches WHERE place = ?1 AND first >= ifnull((SELECT max(first) FROM batches WHERE place = ?1 AND first <= ?2), 0) AND first + count > ?2 ORDER BY first`,
    )
    this.#first = new Query(db, 'SELECT first FROM batches WHERE place = ? ORDER BY first LIMIT 1')
    this.#next = new Query(
      db,
      'SELECT ifnull((SELECT first + count FROM batches WHERE place = ?1 ORDER BY first DESC LIMIT 1), (SELECT floor FROM places WHERE place = ?1))',
    )
    this.#floor = new Query(db, 'SELECT floor FROM places WHERE place = ?')
    this.#appended = new Query(db, 'SELECT appended_ms FROM batches WHERE place = ? AND first <= ? ORDER BY first DESC LIMIT 1')
    this.#bytes = new Query(
      db,
      `SELECT (SELECT bytes_end FROM batches WHERE place = ?1 ORDER BY first DESC LIMIT 1) - bytes_end + length(frames)
       FROM batches WHERE place = ?1 ORDER BY first LIMIT 1`,
    )
  }

  /** As {@link Stream.read}. */
  read(place: Place, from: number, maxBytes: number): RecordBatch {
    const rows: Row[] = []
    let bytes = 0
    let next: number | undefined
    try {
      for (const row of this.#from.each(place.place, from)) {
        const first = numberAt(row, 0)
        const size = bytesAt(row, 5).length
        if (next === undefined ? first > from && first !== this.bounds(place.place).first : first !== next) {
          throw corrupt(place, next ?? from, `record batches up to offset ${first} are missing`)
        }
        if (rows.length > 0 && bytes + size > maxBytes) break
        check(place, row)
        rows.push(row)
        bytes += size
        next = first + numberAt(row, 1)
        if (bytes >= maxBytes) break
      }
    } catch (error) {
      // What was read before the damage is good; the read after it says what is wrong.
      if (rows.length === 0) throw damaged(error, place, from)
    }
    // At the end, or retention has taken all there was. Its floor tells, not the next offset: that may have risen since the rows were read.
    if (rows.length === 0) return nothing(place, Math.max(from, numberAt(this.#floor.one(place.place) ?? [0], 0)))
    return join(place, rows, bytes)
  }

  bounds(place: number): Bounds {
    const next = this.next(place)
    const first = this.#first.one(place)
    return { first: first === undefined ? next : numberAt(first, 0), next }
  }

  next(place: number): number {
    return numberAt(this.#next.one(place) ?? [0], 0)
  }

  /** Bytes of frames in places, without a frame being read. */
  sizeOf(places: readonly { readonly place: number }[]): number {
    return places.reduce((sum, { place }) => sum + numberAt(this.#bytes.one(place) ?? [0], 0), 0)
  }

  /** When the datum at an offset was appended; undefined where it is not in the log. */
  appendedMs(place: number, offset: number): number | undefined {
    const row = this.#appended.one(place, offset)
    return row === undefined ? undefined : numberAt(row, 0)
  }

  /** The first offset appended at or after a time: a binary search, as times rise with offsets. */
  offsetAt(place: number, timeMs: number): number {
    let { first: low, next: high } = this.bounds(place)
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      if ((this.appendedMs(place, middle) ?? 0) < timeMs) low = middle + 1
      else high = middle
    }
    return low
  }
}

function check(place: Place, row: Row): void {
  const first = numberAt(row, 0)
  const frames = bytesAt(row, 5)
  if (rowChecksum(place.place, first, numberAt(row, 1), frames) !== numberAt(row, 4)) {
    throw corrupt(place, first, 'the checksum of the record batch does not hold')
  }
}

function nothing({ topic, partition }: Place, first: number): RecordBatch {
  return { topic, partition, first, count: 0, frames: new Uint8Array(0), ascii: true, appendedMs: 0 }
}

/** One batch of one row or more. */
function join(place: Place, rows: readonly Row[], bytes: number): RecordBatch {
  const head = rows[0]!
  let frames = bytesAt(head, 5)
  let count = numberAt(head, 1)
  let ascii = numberAt(head, 3) === 1
  if (rows.length > 1) {
    frames = new Uint8Array(bytes)
    let at = 0
    count = 0
    for (const row of rows) {
      frames.set(bytesAt(row, 5), at)
      at += bytesAt(row, 5).length
      count += numberAt(row, 1)
      ascii &&= numberAt(row, 3) === 1
    }
  }
  return { topic: place.topic, partition: place.partition, first: numberAt(head, 0), count, frames, ascii, appendedMs: numberAt(head, 2) }
}

function corrupt(place: TopicPartition, offset: number, what: string, cause?: unknown): MillraceError {
  return new MillraceError('LOG_CORRUPT', `Topic '${place.topic}', partition ${place.partition}, offset ${offset}: ${what}.`, {
    fix: 'Check the disk; restore the data directory from a copy, or start the agents beyond this batch.',
    ...(cause === undefined ? {} : { cause }),
  })
}

/** SQLite finds damage of its own structures before a checksum is reached: it is the same news. */
function damaged(error: unknown, place: TopicPartition, offset: number): unknown {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number') return error
  return (error.errcode & 0xff) === SQLITE_CORRUPT ? corrupt(place, offset, 'the database page cannot be read', error) : error
}
