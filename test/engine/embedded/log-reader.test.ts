import type { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { Catalog } from '../../../src/engine/embedded/catalog.ts'
import { LogReader } from '../../../src/engine/embedded/log-reader.ts'
import { databaseFile } from '../../../src/engine/embedded/options.ts'
import { openForReading, openForWriting } from '../../../src/engine/embedded/schema.ts'
import { Tables } from '../../../src/engine/embedded/tables.ts'
import { batch, spec } from '../../../src/testing/suite-data.ts'
import { dataDirectories } from './data-directory.ts'

const { directory } = dataDirectories()

/** A connection on which something happens elsewhere after each query: the writer is another thread and waits for nobody. */
function interrupted(db: DatabaseSync, meanwhile: () => void): DatabaseSync {
  return new Proxy(db, {
    get: (target, property) =>
      property === 'prepare'
        ? (sql: string) => {
            const statement = target.prepare(sql)
            return {
              setReturnArrays: (on: boolean) => statement.setReturnArrays(on),
              get: (...values: number[]) => after(statement.get(...values)),
              all: (...values: number[]) => after(statement.all(...values)),
              iterate: (...values: number[]) => after(statement.all(...values))[Symbol.iterator](),
            }
          }
        : Reflect.get(target, property),
  })
  function after<T>(rows: T): T {
    meanwhile()
    return rows
  }
}

test('what is appended while a reader looks at the end of the log is not taken for data that retention has taken', () => {
  const file = databaseFile(directory())
  const writer = openForWriting(file, {})
  const tables = new Tables(writer, 1_000)
  const append = () => {
    tables.begin(1_000)
    tables.log.append(1, batch('demand', 0, ['reading']).frames, 1, true)
    tables.flush()
    tables.commit()
  }
  tables.begin(0)
  tables.topics.ensure([spec('demand')])
  tables.commit()
  const db = openForReading(file)
  const place = new Catalog(db).at(1)
  let at = 0
  const reader = new LogReader(interrupted(db, append))
  for (let look = 0; look < 5; look++) {
    const read = reader.read(place, at, 1)
    expect(read.first).toBe(at)
    at += read.count
  }
  db.close()
  writer.close()
})
