import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '../../../errors.ts'
import type { Topic } from '../../../stream/topic.ts'
import { checkTable, type FoundTable } from './mismatch.ts'
import { createTable, type Table, tableOf } from './table.ts'

const FIND = "SELECT type AS kind, wr FROM pragma_table_list WHERE schema = 'main' AND name = ? COLLATE NOCASE"
const COLUMNS = 'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)'
const KEYED = `
  SELECT 1 FROM pragma_index_list(?) AS i WHERE i."unique" = 1 AND i.partial = 0
    AND (SELECT count(*) FROM pragma_index_xinfo(i.name) WHERE key = 1) = 1
    AND EXISTS (SELECT 1 FROM pragma_index_xinfo(i.name) WHERE key = 1 AND name = 'data_id' COLLATE NOCASE)`

/** The tables of a store's topics: each is made or checked before anything goes into it. */
export class Tables {
  readonly #name: (topic: Topic) => string
  readonly #byTopic = new Map<string, Table>()
  readonly #checked = new Set<Table>()

  constructor(name: (topic: Topic) => string) {
    this.#name = name
  }

  /** @throws CONFIG_INVALID where another topic has this one's table. */
  of(topic: Topic): Table {
    let table = this.#byTopic.get(topic.name)
    if (table === undefined) {
      table = tableOf(topic, this.#name(topic))
      for (const other of this.#byTopic.values()) {
        // SQLite takes names that differ in case alone for one.
        if (other.name.toLowerCase() !== table.name.toLowerCase()) continue
        throw new MillraceError(
          'CONFIG_INVALID',
          `The topics '${other.topic}' and '${topic.name}' would both be in the table ${table.sql}.`,
          {
            fix: 'Name a table for each: sqlite(…, { table: topic => … }).',
          },
        )
      }
      this.#byTopic.set(topic.name, table)
    }
    return table
  }

  /** Makes or checks a table, where that is not done yet. @throws TABLE_MISMATCH, and SQLite's own errors */
  ensure(table: Table, db: DatabaseSync): void {
    if (this.#checked.has(table)) return
    let found = find(db, table)
    if (found === undefined) {
      db.exec(createTable(table))
      // Another process may have made one first.
      found = find(db, table)
    }
    if (found === undefined) throw new MillraceError('STORE_UNAVAILABLE', `The table ${table.sql} was made and is gone again.`)
    checkTable(table, found)
    this.#checked.add(table)
  }

  /** Looks at all tables anew before anything more goes into them: someone may have changed them, or the file. */
  forget(): void {
    this.#checked.clear()
  }
}

function find(db: DatabaseSync, table: Table): FoundTable | undefined {
  const row = db.prepare(FIND).get(table.name)
  if (row === undefined) return undefined
  const columns = db.prepare(COLUMNS).all(table.name)
  const keys = columns.filter(({ pk }) => pk !== 0).length
  return {
    kind: String(row.kind),
    keyed: db.prepare(KEYED).get(table.name) !== undefined,
    columns: columns.map(({ name, type, notnull, dflt_value, pk, hidden }) => ({
      name: String(name),
      type: String(type),
      generated: hidden === 2 || hidden === 3,
      // SQLite itself numbers the rows of an INTEGER PRIMARY KEY.
      required: notnull === 1 && dflt_value === null && hidden === 0 && !(pk === 1 && keys === 1 && type === 'INTEGER' && row.wr === 0),
    })),
  }
}
