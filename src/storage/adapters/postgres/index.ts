import type { Clock } from '../../../clock.ts'
import { checkCount } from '../../../count.ts'
import { type ByteSize, byteSize, type Duration, durationMs } from '../../../duration.ts'
import type { Topic } from '../../../stream/topic.ts'
import type { RollingStore, RollPolicy } from '../../storage.ts'
import { configOf, describeConnection, type PostgresConnection } from './connection.ts'
import { Database } from './database.ts'
import { isIdentifier } from './identifier.ts'
import { schemaFor } from './schema.ts'
import { defaultTable, type Naming, Tables } from './tables.ts'
import { PostgresWriter } from './writer.ts'

export type { PostgresConnection } from './connection.ts'

export interface PostgresOptions {
  /**
   * A table's name, or one for each topic. Default: the topic's own, in lower case, with `_` for what would need quotes in SQL
   * (`demand-prediction` → `demand_prediction`). One table holds one topic.
   */
  readonly table?: string | ((topic: Topic) => string)
  /** Default: the first of the connection's `search_path` that exists, which mostly is `public`. */
  readonly schema?: string
  /** Makes a table, and the schema named above, where it is missing. Default true; false: they must be there. */
  readonly create?: boolean
  /** Longest that one statement may take; a roll takes a few. Default `'60s'`. */
  readonly statementTimeout?: Duration
  /** When a roll is written: as soon as one of these is reached, also when nothing more arrives. */
  readonly roll?: {
    /** Default 10,000. */
    readonly records?: number
    /** Bytes of data in the stream. Default `'8MB'`. */
    readonly bytes?: ByteSize
    /** The age of the oldest datum that is not stored yet. Default `'1s'`. */
    readonly age?: Duration
  }
}

const MOST_RECORDS = 1_000_000
const LEAST_STATEMENT_MS = 1_000
const MOST_STATEMENT_MS = 86_400_000

/**
 * A store of rows in PostgreSQL: a table for each topic, its fields as columns, `data_id` its primary key, so that a datum is there once,
 * however often it is written. Needs the packages `pg` and `pg-copy-streams`.
 * @param connection a URL (TLS by its `sslmode`), a configuration of `pg`, or nothing: then `PGHOST`, `PGUSER`, … are read when it is opened.
 * @throws TypeError where an option is wrong.
 */
export function postgres(connection?: PostgresConnection, options: PostgresOptions = {}): RollingStore {
  const where = describeConnection(connection)
  const naming = namingOf(options)
  const statementMs = Math.round(durationMs(options.statementTimeout ?? '60s', 'postgres(…) statementTimeout'))
  if (statementMs < LEAST_STATEMENT_MS || statementMs > MOST_STATEMENT_MS)
    throw new TypeError(`postgres(…) statementTimeout is ${statementMs} ms: it must be from 1 second to 1 day.`)
  const roll: RollPolicy = {
    records: checkCount('postgres(…) roll records', options.roll?.records ?? 10_000, MOST_RECORDS),
    bytes: byteSize(options.roll?.bytes ?? '8MB', 'postgres(…) roll bytes'),
    ageMs: durationMs(options.roll?.age ?? '1s', 'postgres(…) roll age'),
  }
  return {
    kind: 'rolling',
    describe: where,
    roll,
    whereIs: async ({ topic, dataId }) => ({
      where: `${where}, table ${naming.schema === undefined ? '' : `${naming.schema}.`}${naming.table(topic)}, data_id ${dataId}`,
    }),
    async open(clock: Clock, topics: readonly Topic[] = []) {
      const database = await Database.load({ config: configOf(connection), where, statementMs }, clock)
      try {
        const tables = new Tables(database, naming, await schemaFor(database, naming.schema))
        if (topics.length > 0) await tables.ensureAll(topics)
        return new PostgresWriter(database, tables)
      } catch (error) {
        await database.close()
        throw error
      }
    },
  }
}

function namingOf({ table = defaultTable, schema, create = true }: PostgresOptions): Naming {
  if (schema !== undefined && !isIdentifier(schema)) throw new TypeError(`postgres(…) schema is ${JSON.stringify(schema)}: ${NAMES}.`)
  if (typeof table === 'string' && !isIdentifier(table)) throw new TypeError(`postgres(…) table is ${JSON.stringify(table)}: ${NAMES}.`)
  return {
    schema,
    create,
    table(topic) {
      const name = typeof table === 'string' ? table : table(topic)
      if (!isIdentifier(name)) throw new TypeError(`postgres(…) table for '${topic.name}' is ${JSON.stringify(name)}: ${NAMES}.`)
      return name
    },
  }
}

const NAMES = 'a name in PostgreSQL has 1 to 63 bytes of UTF-8, none of them NUL'
