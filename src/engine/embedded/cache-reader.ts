import type { DatabaseSync } from 'node:sqlite'
import type { CacheEntry, CacheView } from '../engine.ts'
import { numberAt, Query, type Row, textAt } from './rows.ts'

/** The caches as dashboards poll them. */
export class CacheReader {
  readonly #cache: Query
  readonly #entries: Query
  readonly #entry: Query

  constructor(db: DatabaseSync) {
    this.#cache = new Query(db, 'SELECT cache, revision FROM caches WHERE name = ?')
    this.#entries = new Query(db, 'SELECT key, value, updated_ms, revision FROM cache_entries WHERE cache = ? ORDER BY key')
    this.#entry = new Query(
      db,
      'SELECT e.key, e.value, e.updated_ms, e.revision FROM caches c JOIN cache_entries e ON e.cache = c.cache WHERE c.name = ? AND e.key = ?',
    )
  }

  view(name: string): CacheView | undefined {
    const cache = this.#cache.one(name)
    if (cache === undefined) return undefined
    const entries = this.#entries.all(numberAt(cache, 0)).map(entryOf)
    // Entries written between the two queries have revisions of their own.
    return { revision: entries.reduce((most, e) => Math.max(most, e.revision), numberAt(cache, 1)), entries }
  }

  entry(name: string, key: string): CacheEntry | undefined {
    const row = this.#entry.one(name, key)
    return row === undefined ? undefined : entryOf(row)
  }
}

function entryOf(row: Row): CacheEntry {
  return { key: textAt(row, 0), value: textAt(row, 1), updatedMs: numberAt(row, 2), revision: numberAt(row, 3) }
}
