import { MillraceError } from '../../../errors.ts'
import type { Topic } from '../../../stream/topic.ts'
import { quoted } from '../../rows/names.ts'
import type { Database } from './database.ts'
import { tableName } from './identifier.ts'
import { checkTable, type FoundColumn, type FoundTable, missingTable } from './mismatch.ts'
import type { Session } from './session.ts'
import { begin, createTable } from './statements.ts'
import { type Table, tableOf } from './table.ts'

/** Makers of tables wait for each other on it: two that make one table at once fail on the system catalogue, IF NOT EXISTS or not. */
const MAKING_LOCK = 0x6d_69_6c_6c

const FIND = `
  SELECT c.relkind AS kind, c.relpersistence AS persistence, has_any_column_privilege(c.oid, 'INSERT') AS may_insert,
    has_any_column_privilege(c.oid, 'SELECT') AS may_select,
    (SELECT json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
        'required', a.attnotnull AND NOT a.atthasdef AND a.attidentity = '') ORDER BY a.attnum)
      FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped) AS columns,
    EXISTS (SELECT FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attname = 'data_id'
      WHERE i.indrelid = c.oid AND i.indisunique AND i.indimmediate AND i.indisvalid AND i.indpred IS NULL
        AND i.indnkeyatts = 1 AND i.indkey[0] = a.attnum) AS keyed
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = $1 AND c.relname = $2`

export interface Naming {
  /** Undefined: the first schema of the connection's search_path that there is. */
  readonly schema: string | undefined
  readonly table: (topic: Topic) => string
  /** Makes tables that are missing. */
  readonly create: boolean
}

export function defaultTable(topic: Topic): string {
  return tableName(topic.name)
}

/** The tables of a store's topics: each is made or checked once, before anything goes into it. */
export class Tables {
  readonly #database: Database
  readonly #naming: Naming
  readonly #schema: string
  readonly #byTopic = new Map<string, Table>()
  readonly #checked = new Set<Table>()

  constructor(database: Database, naming: Naming, schema: string) {
    this.#database = database
    this.#naming = naming
    this.#schema = schema
  }

  /** @throws CONFIG_INVALID where another topic has this one's table. */
  of(topic: Topic): Table {
    let table = this.#byTopic.get(topic.name)
    if (table === undefined) {
      table = tableOf(topic, this.#schema, this.#naming.table(topic))
      for (const other of this.#byTopic.values()) {
        if (other.name !== table.name) continue
        throw new MillraceError(
          'CONFIG_INVALID',
          `The topics '${other.topic}' and '${topic.name}' would both be in the table ${table.sql}.`,
          {
            fix: 'Name a table for each: postgres(…, { table: topic => … }).',
          },
        )
      }
      this.#byTopic.set(topic.name, table)
    }
    return table
  }

  /**
   * Makes or checks a table, where that is not done yet, within the transaction that the session is in: where that comes to nothing,
   * {@link forget} it. @throws TABLE_MISMATCH, STORE_DENIED, STORE_UNAVAILABLE
   */
  async ensure(table: Table, session: Session): Promise<void> {
    if (this.#checked.has(table)) return
    let found = await find(session, table)
    if (found === undefined) {
      if (!this.#naming.create) throw missingTable(table)
      await this.#make(table, session)
      found = await find(session, table)
    }
    if (found === undefined) throw new MillraceError('STORE_UNAVAILABLE', `The table ${table.sql} was made and is gone again.`)
    this.#checkRights(table, found)
    checkTable(table, found)
    this.#checked.add(table)
  }

  /** {@link ensure} for all of these topics, in a transaction of their own. */
  ensureAll(topics: readonly Topic[]): Promise<void> {
    return this.#database.use(async session => {
      await session.run(begin(this.#database.statementMs))
      for (const topic of topics) await this.ensure(this.of(topic), session)
      await session.run('COMMIT')
    })
  }

  /** Looks at the tables anew before anything more goes into them: someone may have changed them. */
  forget(tables: Iterable<Table>): void {
    for (const table of tables) this.#checked.delete(table)
  }

  async #make(table: Table, session: Session): Promise<void> {
    const [there] = await session.run('SELECT FROM pg_namespace WHERE nspname = $1', [table.schema])
    const schema = there === undefined ? `CREATE SCHEMA IF NOT EXISTS ${quoted(table.schema)}; ` : ''
    try {
      await session.run(`SELECT pg_advisory_xact_lock(${MAKING_LOCK}); ${schema}${createTable(table)}`)
    } catch (error) {
      if (!(error instanceof MillraceError) || error.code !== 'STORE_DENIED') throw error
      throw new MillraceError('STORE_DENIED', `The table ${table.sql} for the topic '${table.topic}' cannot be made. ${error.message}`, {
        fix: `Let an administrator run: ${schema}${createTable(table)}; GRANT SELECT, INSERT ON ${table.sql} TO …;`,
        cause: error,
      })
    }
  }

  #checkRights(table: Table, { mayInsert, maySelect }: Found): void {
    if (mayInsert && maySelect) return
    throw new MillraceError(
      'STORE_DENIED',
      `${this.#database.where}: this role may not insert into the table ${table.sql} or not read it.`,
      {
        fix: `Let its owner run: GRANT SELECT, INSERT ON ${table.sql} TO …;`,
      },
    )
  }
}

interface Found extends FoundTable {
  readonly mayInsert: boolean
  /** What is there already must be recognised. */
  readonly maySelect: boolean
}

async function find(session: Session, table: Table): Promise<Found | undefined> {
  const [row] = await session.run(FIND, [table.schema, table.name])
  if (row === undefined) return undefined
  return {
    kind: String(row.kind),
    persistence: String(row.persistence),
    keyed: row.keyed === true,
    mayInsert: row.may_insert === true,
    maySelect: row.may_select === true,
    // As the statement builds them; null where a table has no columns.
    columns: (row.columns ?? []) as readonly FoundColumn[],
  }
}
