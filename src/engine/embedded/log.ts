import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { rowChecksum } from './checksum.ts'
import { numberAt, Query } from './rows.ts'

/** Appends of one group to one place share a row up to here; a larger one gets a row of its own. */
const ROW_BYTES = 262_144

/** The end of a place's log, and the row that is being gathered for it. */
interface Tail {
  next: number
  bytesEnd: number
  rowFirst: number
  rowBytes: number
  rowCount: number
  rowAscii: boolean
  pieces: Uint8Array[]
}

/** The writing side of the log: gathers the appends of a group and writes a row for each place. Nothing is durable before the commit. */
export class Log {
  readonly #last: Query
  readonly #floor: Query
  readonly #insert: StatementSync
  readonly #tails = new Map<number, Tail>()
  readonly #open = new Set<number>()
  #appendedMs = 0

  constructor(db: DatabaseSync) {
    this.#last = new Query(db, 'SELECT first + count, bytes_end FROM batches WHERE place = ? ORDER BY first DESC LIMIT 1')
    this.#floor = new Query(db, 'SELECT floor FROM places WHERE place = ?')
    this.#insert = db.prepare(
      'INSERT INTO batches (place, first, count, appended_ms, ascii, bytes_end, crc, frames) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
    )
  }

  /** All appends until {@link flush} are of this time. */
  begin(nowMs: number): void {
    this.#appendedMs = nowMs
  }

  next(place: number): number {
    return this.#tail(place).next
  }

  /** @returns the offset of the first datum. */
  append(place: number, frames: Uint8Array, count: number, ascii: boolean): number {
    const tail = this.#tail(place)
    const first = tail.next
    if (count === 0) return first
    // Rows of ASCII stay apart from others: one byte above 127 would cost all readers of the row the cheap decode.
    if (tail.rowCount > 0 && (tail.rowAscii !== ascii || tail.rowBytes + frames.length > ROW_BYTES)) this.#write(place, tail)
    if (tail.rowCount === 0) {
      tail.rowFirst = first
      tail.rowAscii = ascii
      this.#open.add(place)
    }
    join(tail.pieces, frames)
    tail.rowBytes += frames.length
    tail.rowCount += count
    tail.next += count
    return first
  }

  /** Writes what is gathered of one place, so that it can be read within the transaction. */
  write(place: number): void {
    const tail = this.#tails.get(place)
    if (tail !== undefined && tail.rowCount > 0) this.#write(place, tail)
  }

  /** Writes what is gathered. @returns the places that grew since `begin`. */
  flush(): number[] {
    const grown = [...this.#open]
    for (const place of grown) this.write(place)
    this.#open.clear()
    return grown
  }

  /** After a rollback: positions are read from the database again. */
  forget(): void {
    this.#tails.clear()
    this.#open.clear()
  }

  #tail(place: number): Tail {
    let tail = this.#tails.get(place)
    if (tail === undefined) {
      const last = this.#last.one(place)
      const next = last === undefined ? numberAt(this.#floor.one(place) ?? [0], 0) : numberAt(last, 0)
      const bytesEnd = last === undefined ? 0 : numberAt(last, 1)
      tail = { next, bytesEnd, rowFirst: next, rowBytes: 0, rowCount: 0, rowAscii: true, pieces: [] }
      this.#tails.set(place, tail)
    }
    return tail
  }

  #write(place: number, tail: Tail): void {
    const frames = tail.pieces.length === 1 ? tail.pieces[0]! : Buffer.concat(tail.pieces, tail.rowBytes)
    tail.bytesEnd += tail.rowBytes
    const crc = rowChecksum(place, tail.rowFirst, tail.rowCount, frames)
    this.#insert.run(place, tail.rowFirst, tail.rowCount, this.#appendedMs, tail.rowAscii ? 1 : 0, tail.bytesEnd, crc, frames)
    tail.pieces = []
    tail.rowBytes = 0
    tail.rowCount = 0
  }
}

/** Pieces that lie side by side in one message's buffer become one view: then the row is written without a copy. */
function join(pieces: Uint8Array[], frames: Uint8Array): void {
  const last = pieces.at(-1)
  if (last !== undefined && last.buffer === frames.buffer && last.byteOffset + last.byteLength === frames.byteOffset) {
    pieces[pieces.length - 1] = new Uint8Array(last.buffer, last.byteOffset, last.byteLength + frames.byteLength)
  } else pieces.push(frames)
}
