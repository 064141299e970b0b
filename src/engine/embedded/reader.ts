import type { DatabaseSync } from 'node:sqlite'
import { CacheReader } from './cache-reader.ts'
import { Catalog } from './catalog.ts'
import { Finder } from './find.ts'
import { LetterReader } from './letter-reader.ts'
import { LogReader } from './log-reader.ts'
import { Standings } from './standings.ts'
import { TraceReader } from './trace-reader.ts'

/** Everything that is read, over one connection: the client's own, or another process's view. */
export class Reader {
  readonly db: DatabaseSync
  readonly catalog: Catalog
  readonly log: LogReader
  readonly trace: TraceReader
  readonly letters: LetterReader
  readonly cache: CacheReader
  readonly standings: Standings
  readonly finder: Finder

  constructor(db: DatabaseSync) {
    this.db = db
    this.catalog = new Catalog(db)
    this.log = new LogReader(db)
    this.trace = new TraceReader(db, this.catalog)
    this.letters = new LetterReader(db)
    this.cache = new CacheReader(db)
    this.standings = new Standings(db, this.catalog, this.log)
    this.finder = new Finder(db, this.catalog, this.log, this.trace)
  }
}
