import { resolve } from 'node:path'
import type { Clock } from '../../../clock.ts'
import { checkCount } from '../../../count.ts'
import { type ByteSize, byteSize, type Duration, durationMs } from '../../../duration.ts'
import type { Topic } from '../../../stream/topic.ts'
import { plainName } from '../../rows/names.ts'
import type { RollingStore, RollPolicy } from '../../storage.ts'
import { Database } from './database.ts'
import { isTableName } from './table.ts'
import { Tables } from './tables.ts'
import { SqliteWriter } from './writer.ts'

export interface SqliteOptions {
  /**
   * A table's name, or one for each topic. Default: the topic's own, in lower case, with `_` for what would need quotes in SQL
   * (`demand-prediction` → `demand_prediction`). One table holds one topic.
   */
  readonly table?: string | ((topic: Topic) => string)
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

/**
 * A store of rows in a SQLite file: a table for each topic, its fields as columns, `data_id` its primary key, so that a datum is there once,
 * however often it is written. The file is made where it is missing, its folder is not. Needs no package.
 * @throws TypeError where an option is wrong.
 */
export function sqlite(file: string, options: SqliteOptions = {}): RollingStore {
  if (typeof file !== 'string' || file === '' || file === ':memory:')
    throw new TypeError("sqlite(…) needs a file, such as sqlite('./feedback.db').")
  const say = `sqlite('${file}')`
  const table = namingOf(say, options.table)
  const roll: RollPolicy = {
    records: checkCount(`${say} roll records`, options.roll?.records ?? 10_000, MOST_RECORDS),
    bytes: byteSize(options.roll?.bytes ?? '8MB', `${say} roll bytes`),
    ageMs: durationMs(options.roll?.age ?? '1s', `${say} roll age`),
  }
  const path = resolve(file)
  return {
    kind: 'rolling',
    describe: `SQLite ${file}`,
    roll,
    async open(_: Clock, topics: readonly Topic[] = []) {
      const database = new Database(path)
      const tables = new Tables(table)
      database.use(db => {
        for (const topic of topics) tables.ensure(tables.of(topic), db)
      })
      return new SqliteWriter(database, tables)
    },
    whereIs: async ({ topic, dataId }) => ({ where: `${file}, table ${table(topic)}, data_id ${dataId}` }),
  }
}

function namingOf(say: string, table: SqliteOptions['table'] = topic => plainName(topic.name)): (topic: Topic) => string {
  if (typeof table === 'string') {
    if (!isTableName(table)) throw new TypeError(`${say} table is ${JSON.stringify(table)}: ${NAMES}.`)
    return () => table
  }
  return topic => {
    const name = table(topic)
    if (!isTableName(name)) throw new TypeError(`${say} table for '${topic.name}' is ${JSON.stringify(name)}: ${NAMES}.`)
    return name
  }
}

const NAMES = 'a table in SQLite has a name of UTF-8 without NUL that does not begin with sqlite_'
