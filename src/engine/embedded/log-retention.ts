import type { StatementSync } from 'node:sqlite'
import type { TopicSpec } from '../../stream/stream.ts'
import { numberAt, Query } from './rows.ts'
import type { Tables } from './tables.ts'

/** Measured: deleting 50 record batches takes 4 ms at most. */
const STEP_ROWS = 50
/** Partitions looked at in one step where there is nothing to delete. */
const STEP_PLACES = 200

/** The oldest record batch of a place. */
interface Oldest {
  readonly place: number
  readonly first: number
  readonly end: number
  readonly appendedMs: number
  /** Bytes of frames in the place. */
  readonly placeBytes: number
}

/** Deletes record batches by the age and size that their topics allow, oldest first, whole batches only. */
export class LogRetention {
  readonly #tables: Tables
  readonly #oldest: Query
  readonly #delete: StatementSync
  readonly #raiseFloor: StatementSync

  constructor(tables: Tables) {
    const { db } = tables
    this.#tables = tables
    this.#oldest = new Query(
      db,
      `SELECT first, first + count, appended_ms,
         (SELECT bytes_end FROM batches WHERE place = ?1 ORDER BY first DESC LIMIT 1) - bytes_end + length(frames)
       FROM batches WHERE place = ?1 ORDER BY first LIMIT 1`,
    )
    this.#delete = db.prepare('DELETE FROM batches WHERE place = ? AND first = ?')
    this.#raiseFloor = db.prepare('UPDATE places SET floor = ? WHERE place = ?')
  }

  /** Yields between two steps. */
  *run(nowMs: number): Generator<void, void> {
    let looked = 0
    for (const spec of this.#tables.catalog.specs()) {
      const places = this.#tables.catalog.placesOf(spec.name).map(p => p.place)
      for (const place of places) {
        if (++looked % STEP_PLACES === 0) yield
        yield* this.#byAge(place, nowMs - spec.retentionMs)
      }
      yield* this.#bySize(spec, places)
    }
  }

  *#byAge(place: number, horizonMs: number): Generator<void, void> {
    for (let rows = 1; ; rows++) {
      const oldest = this.#oldestOf(place)
      if (oldest === undefined || oldest.appendedMs >= horizonMs) return
      this.#remove(oldest)
      if (rows % STEP_ROWS === 0) yield
    }
  }

  *#bySize(spec: TopicSpec, places: readonly number[]): Generator<void, void> {
    if (spec.retentionBytes === undefined) return
    for (let rows = 1; ; rows++) {
      const heads = places.flatMap(place => this.#oldestOf(place) ?? [])
      let oldest = heads[0]
      let bytes = 0
      for (const head of heads) {
        bytes += head.placeBytes
        if (oldest !== undefined && head.appendedMs < oldest.appendedMs) oldest = head
      }
      if (oldest === undefined || bytes <= spec.retentionBytes) return
      this.#remove(oldest)
      if (rows % STEP_ROWS === 0) yield
    }
  }

  #oldestOf(place: number): Oldest | undefined {
    const row = this.#oldest.one(place)
    if (row === undefined) return undefined
    const [first, end, appendedMs] = [numberAt(row, 0), numberAt(row, 1), numberAt(row, 2)]
    return { place, first, end, appendedMs, placeBytes: numberAt(row, 3) }
  }

  /** The floor rises in the same transaction: a partition that is emptied still knows its next offset. */
  #remove({ place, first, end }: Oldest): void {
    this.#delete.run(place, first)
    this.#raiseFloor.run(end, place)
  }
}
