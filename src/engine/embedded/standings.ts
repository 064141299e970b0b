import type { DatabaseSync } from 'node:sqlite'
import type { Snapshot, Standing } from '../engine.ts'
import type { Catalog } from './catalog.ts'
import { checkpointOf } from './checkpoints.ts'
import type { LogReader } from './log-reader.ts'
import { bytesAt, numberAt, Query, type Row, textAt } from './rows.ts'

/** Where every group stands: the rows of the ledger. */
export class Standings {
  readonly #rows: Query
  readonly #snapshot: Query
  readonly #catalog: Catalog
  readonly #log: LogReader

  constructor(db: DatabaseSync, catalog: Catalog, log: LogReader) {
    this.#rows = new Query(
      db,
      `SELECT g.name, g.replaced_by, c.place, c.first, c.offset, c.done, c.dead, c.duplicate, c.lost, c.edition, c.intent_first, c.intent_end
       FROM groups g JOIN checkpoints c ON c.group_id = g.group_id ORDER BY g.name, c.place`,
    )
    this.#snapshot = new Query(
      db,
      'SELECT s.offset, s.bytes FROM groups g JOIN snapshots s ON s.group_id = g.group_id WHERE g.name = ? AND s.place = ?',
    )
    this.#catalog = catalog
    this.#log = log
  }

  all(): Standing[] {
    return this.#rows.all().map(row => this.#standing(row))
  }

  snapshot(group: string, topic: string, partition: number): Snapshot | undefined {
    const row = this.#snapshot.one(group, this.#catalog.place(topic, partition))
    return row === undefined ? undefined : { group, topic, partition, offset: numberAt(row, 0), bytes: bytesAt(row, 1) }
  }

  #standing(row: Row): Standing {
    const { place, topic, partition } = this.#catalog.at(numberAt(row, 2))
    const checkpoint = checkpointOf(row, 3)
    const { first, next } = this.#log.bounds(place)
    const behind = checkpoint.offset < next
    // What retention has passed is no longer there to wait: the oldest that is left does.
    const oldestPendingMs = behind ? this.#log.appendedMs(place, Math.max(checkpoint.offset, first)) : undefined
    return {
      group: textAt(row, 0),
      topic,
      partition,
      checkpoint,
      first,
      next,
      ...(oldestPendingMs === undefined ? {} : { oldestPendingMs }),
      ...(row[1] === null ? {} : { replacedBy: textAt(row, 1) }),
    }
  }
}
