import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { PackedCacheWrite } from './messages.ts'
import { numberAt, Query } from './rows.ts'

/** The writing side of the caches. */
export class CacheRows {
  readonly #find: Query
  readonly #insert: StatementSync
  readonly #revise: StatementSync
  readonly #upsert: StatementSync
  readonly #caches = new Map<string, { id: number; revision: number; moved: boolean }>()

  constructor(db: DatabaseSync) {
    this.#find = new Query(db, 'SELECT cache, revision FROM caches WHERE name = ?')
    this.#insert = db.prepare('INSERT INTO caches (name, revision) VALUES (?, 0)')
    this.#revise = db.prepare('UPDATE caches SET revision = ? WHERE cache = ?')
    // Only rising: a value computed again from the same data, or from less, never replaces a newer one.
    this.#upsert = db.prepare(
      `INSERT INTO cache_entries (cache, key, value, updated_ms, revision, place, offset) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET value = excluded.value, updated_ms = excluded.updated_ms, revision = excluded.revision,
         place = excluded.place, offset = excluded.offset
       WHERE place <> excluded.place OR offset < excluded.offset`,
    )
  }

  write(write: PackedCacheWrite, nowMs: number): void {
    const cache = this.#cache(write.cache)
    const revision = cache.revision + 1
    const changed = this.#upsert.run(cache.id, write.key, write.value, nowMs, revision, write.place, write.offset).changes
    if (changed === 0) return
    cache.revision = revision
    cache.moved = true
  }

  flush(): void {
    for (const cache of this.#caches.values()) {
      if (!cache.moved) continue
      this.#revise.run(cache.revision, cache.id)
      cache.moved = false
    }
  }

  /** After a rollback: revisions are read from the database again. */
  forget(): void {
    this.#caches.clear()
  }

  #cache(name: string): { id: number; revision: number; moved: boolean } {
    let cache = this.#caches.get(name)
    if (cache === undefined) {
      const row = this.#find.one(name)
      cache =
        row === undefined
          ? { id: Number(this.#insert.run(name).lastInsertRowid), revision: 0, moved: false }
          : { id: numberAt(row, 0), revision: numberAt(row, 1), moved: false }
      this.#caches.set(name, cache)
    }
    return cache
  }
}
