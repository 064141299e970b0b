import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { MillraceError } from '../../errors.ts'
import type { TopicSpec } from '../../stream/stream.ts'
import { type Catalog, FOR_EVER_MS } from './catalog.ts'

/** The writing side of the catalog. */
export class Topics {
  readonly #catalog: Catalog
  readonly #insertTopic: StatementSync
  readonly #insertPlace: StatementSync
  readonly #retain: StatementSync

  constructor(db: DatabaseSync, catalog: Catalog) {
    this.#catalog = catalog
    this.#insertTopic = db.prepare('INSERT INTO topics (name, partitions, retention_ms, retention_bytes) VALUES (?, ?, ?, ?)')
    this.#insertPlace = db.prepare('INSERT INTO places (topic, partition) VALUES (?, ?)')
    this.#retain = db.prepare('UPDATE topics SET retention_ms = ?2, retention_bytes = ?3 WHERE name = ?1')
  }

  /**
   * Makes what is missing. A different retention is taken over: it changes no datum's place. A different partition count is a
   * mismatch, as keys would move to other partitions. @throws TOPIC_MISMATCH before anything is changed.
   */
  ensure(specs: readonly TopicSpec[]): void {
    for (const spec of specs) {
      const places = this.#catalog.findTopic(spec.name)
      if (places !== undefined && places.length !== spec.partitions) {
        throw new MillraceError(
          'TOPIC_MISMATCH',
          `Topic '${spec.name}' has ${places.length} partitions; ${spec.partitions} were asked for. Keys would move to other partitions.`,
          { fix: `Declare it with partitions: ${places.length}, or under a new name.` },
        )
      }
    }
    for (const spec of specs) {
      const bytes = spec.retentionBytes ?? null
      const ms = Math.min(spec.retentionMs, FOR_EVER_MS)
      if (this.#catalog.findTopic(spec.name) !== undefined) {
        this.#retain.run(spec.name, ms, bytes)
        continue
      }
      const topic = this.#insertTopic.run(spec.name, spec.partitions, ms, bytes).lastInsertRowid
      for (let partition = 0; partition < spec.partitions; partition++) this.#insertPlace.run(topic, partition)
    }
  }
}
