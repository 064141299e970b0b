import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { CacheRows } from './cache-rows.ts'
import { Catalog } from './catalog.ts'
import { Checkpoints } from './checkpoints.ts'
import { IdIndex } from './id-index.ts'
import { Letters } from './letters.ts'
import { Log } from './log.ts'
import { LogReader } from './log-reader.ts'
import { ReplayOrigins } from './replay-origins.ts'
import { ReplayState } from './replay-state.ts'
import { Topics } from './topics.ts'
import { TraceRows } from './trace-rows.ts'

/** Everything the writer writes, over one connection. What they keep in memory is read from the database, and again after {@link rollback}. */
export class Tables {
  readonly db: DatabaseSync
  readonly log: Log
  readonly reader: LogReader
  readonly ids: IdIndex
  readonly checkpoints: Checkpoints
  readonly trace: TraceRows
  readonly letters: Letters
  readonly origins: ReplayOrigins
  readonly replayState: ReplayState
  readonly cache: CacheRows
  readonly saveSnapshot: StatementSync
  catalog: Catalog
  topics: Topics

  constructor(db: DatabaseSync, idRetentionMs: number) {
    this.db = db
    this.catalog = new Catalog(db)
    this.topics = new Topics(db, this.catalog)
    this.log = new Log(db)
    this.reader = new LogReader(db)
    this.ids = new IdIndex(db, idRetentionMs)
    this.checkpoints = new Checkpoints(db)
    this.trace = new TraceRows(db)
    this.letters = new Letters(db)
    this.origins = new ReplayOrigins(db)
    this.replayState = new ReplayState(db, this.origins)
    this.cache = new CacheRows(db)
    this.saveSnapshot = db.prepare('INSERT OR REPLACE INTO snapshots (group_id, place, offset, bytes) VALUES (?, ?, ?, ?)')
  }

  begin(nowMs: number): void {
    this.db.exec('BEGIN IMMEDIATE')
    this.log.begin(nowMs)
  }

  /** Writes what was gathered, and is durable when it returns. @returns the places that grew. */
  flush(): number[] {
    const grown = this.log.flush()
    this.checkpoints.flush()
    this.cache.flush()
    return grown
  }

  commit(): void {
    this.db.exec('COMMIT')
  }

  rollback(): void {
    // SQLite may have rolled back by itself, as after a full disk.
    if (this.db.isTransaction) this.db.exec('ROLLBACK')
    this.log.forget()
    this.checkpoints.forget()
    this.ids.forget()
    this.trace.forget()
    this.cache.forget()
    this.catalog = new Catalog(this.db)
    this.topics = new Topics(this.db, this.catalog)
  }
}
