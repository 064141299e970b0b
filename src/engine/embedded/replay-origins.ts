import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Range } from '../../trace/trace.ts'
import { numberAt, Query, type Row } from './rows.ts'

/** A position by its place. */
export interface Origin {
  readonly place: number
  readonly offset: number
}

/** Positions of one place. */
export interface OriginRange extends Range {
  readonly place: number
}

/** Positions of one place, and the offset in a replay topic from which on their data are there. */
export interface ReplayedRange extends OriginRange {
  readonly at: number
}

/**
 * Where data in replay topics come from that are no letters. What becomes of them there becomes of them where they come from: by that a later
 * replay knows what is done. Rows are ranges: data that lie side by side in their own topic do so in the replay topic.
 */
export class ReplayOrigins {
  readonly #insert: StatementSync
  readonly #forget: StatementSync
  readonly #at: Query
  readonly #within: Query
  readonly #from: Query

  constructor(db: DatabaseSync) {
    this.#insert = db.prepare('INSERT INTO replay_origins (place, first, end, origin, origin_first) VALUES (?, ?, ?, ?, ?)')
    this.#within = new Query(
      db,
      'SELECT first, end, origin, origin_first FROM replay_origins WHERE place = ? AND end > ? AND first < ? ORDER BY first',
    )
    this.#at = new Query(
      db,
      'SELECT first, end, origin, origin_first FROM replay_origins WHERE place = ? AND first <= ? ORDER BY first DESC LIMIT 1',
    )
    this.#from = new Query(
      db,
      `SELECT origin_first, origin_first + end - first, first FROM replay_origins
       WHERE origin = ?1 AND origin_first < ?3 AND origin_first + end - first > ?2 AND place = ?4 AND end > ?5`,
    )
    // Read, and gone from the log: nothing comes of it any more.
    this.#forget = db.prepare(
      `DELETE FROM replay_origins WHERE end <= (SELECT p.floor FROM places p WHERE p.place = replay_origins.place)
       AND NOT EXISTS (SELECT 1 FROM checkpoints c WHERE c.place = replay_origins.place AND c.offset < replay_origins.end)`,
    )
  }

  add(place: number, first: number, origin: OriginRange): void {
    this.#insert.run(place, first, first + origin.end - origin.first, origin.place, origin.first)
  }

  /** Where the datum at a position of a replay topic comes from; undefined where it is a letter's. */
  of(place: number, offset: number): Origin | undefined {
    const row = this.#at.one(place, offset)
    if (row === undefined || offset >= numberAt(row, 1)) return undefined
    return { place: numberAt(row, 2), offset: numberAt(row, 3) + offset - numberAt(row, 0) }
  }

  /** Where the data of a range of a replay topic come from, as far as they are no letters. */
  within(place: number, { first, end }: Range): ReplayedRange[] {
    return this.#within.all(place, first, end).map(row => originRange(row, first, end))
  }

  /** Which of the positions are in a replay topic from an offset on. */
  waiting(origin: OriginRange, place: number, from: number): Range[] {
    return this.#from.all(origin.place, origin.first, origin.end, place, from).map(row => {
      // What lies before the offset there has been read.
      const read = Math.max(0, from - numberAt(row, 2))
      return { first: numberAt(row, 0) + read, end: numberAt(row, 1) }
    })
  }

  forgetExpired(): void {
    this.#forget.run()
  }
}

function originRange(row: Row, first: number, end: number): ReplayedRange {
  const [at, until, origin, originFirst] = [numberAt(row, 0), numberAt(row, 1), numberAt(row, 2), numberAt(row, 3)]
  const from = Math.max(first, at)
  return { place: origin, at: from, first: originFirst + from - at, end: originFirst + Math.min(end, until) - at }
}
