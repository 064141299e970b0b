import { expect, it, onTestFinished } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../../src/clock.ts'
import { Database } from '../../../src/storage/adapters/sqlite/database.ts'
import { sqlite } from '../../../src/storage/adapters/sqlite/index.ts'
import { topic } from '../../../src/stream/topic.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { batchesOf, readings } from '../batches.ts'
import { scratch } from './scratch.ts'
import { writeAll, writerIn } from './written.ts'

const READINGS = 'data_id TEXT PRIMARY KEY, source TEXT, created TEXT, parents TEXT, station TEXT, megawatts REAL, data_extra TEXT'

/** A file with a table of readings that its owner has made. */
function owned(create: string) {
  const made = scratch()
  made.hold(create).close()
  return made
}

it('makes a table where there is none, in a file where there is none', async () => {
  const made = scratch()
  await writeAll(await writerIn(made), readings, batchesOf(3))
  expect(made.sql("SELECT name || ' ' || type || ' ' || \"notnull\" || ' ' || pk AS c FROM pragma_table_info('readings')")).toEqual(
    [
      'data_id TEXT 1 1',
      'source TEXT 1 0',
      'created TEXT 1 0',
      'parents TEXT 0 0',
      'station TEXT 0 0',
      'megawatts REAL 0 0',
      'data_extra TEXT 0 0',
    ].map(c => ({ c })),
  )
  expect(made.sql("SELECT strict FROM pragma_table_list('readings')")).toEqual([{ strict: 1 }])
})

it('makes or checks the tables at the start, where it knows the topics', async () => {
  const made = scratch()
  const store = sqlite(made.file)
  await (await store.open(systemClock, [readings])).close()
  expect(made.sql('SELECT count(*) AS n FROM readings')).toEqual([{ n: 0 }])
  made.sql('ALTER TABLE readings DROP COLUMN station')
  await refused('a start with a table that differs', 'TABLE_MISMATCH', () => store.open(systemClock, [readings]))
})

it('keeps a write-ahead log, and waits for the disk at every commit', () => {
  const database = new Database(scratch().file)
  onTestFinished(() => database.close())
  const setting = (name: string) => database.use(db => Object.values(db.prepare(`PRAGMA ${name}`).get() ?? {}))
  expect(setting('journal_mode')).toEqual(['wal'])
  // FULL
  expect(setting('synchronous')).toEqual([2])
})

it('stores in the table that it is told', async () => {
  const made = scratch()
  await writeAll(await writerIn(made, { table: 'Odd "name"' }), readings, batchesOf(4))
  await writeAll(await writerIn(made, { table: of => `all_${of.name}` }), readings, batchesOf(5))
  expect(made.sql('SELECT count(*) AS n FROM "Odd ""name"""')).toEqual([{ n: 4 }])
  expect(made.sql('SELECT count(*) AS n FROM all_readings')).toEqual([{ n: 5 }])
})

it('takes a table as its owner has made it, with columns, keys and constraints of his own', async () => {
  const made = owned(
    `CREATE TABLE Readings (id INTEGER PRIMARY KEY, note TEXT, seen TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, ${READINGS.replace('PRIMARY KEY', 'UNIQUE').replace('station TEXT', 'station VARCHAR(80) NOT NULL').replace('REAL', 'DOUBLE PRECISION')})`,
  )
  const writer = await writerIn(made)
  expect((await writeAll(writer, readings, batchesOf(5))).unstorable).toEqual([])
  expect((await writeAll(writer, readings, batchesOf(5))).unstorable).toEqual([])
  expect(made.sql('SELECT count(*) AS n FROM readings WHERE seen IS NOT NULL')).toEqual([{ n: 5 }])
})

it('takes a table without row ids', async () => {
  const made = owned(`CREATE TABLE readings (${READINGS}) WITHOUT ROWID`)
  await writeAll(await writerIn(made), readings, batchesOf(5))
  expect(made.sql('SELECT count(*) AS n FROM readings')).toEqual([{ n: 5 }])
})

const DIFFERENCES: readonly [string, string, RegExp][] = [
  ['a missing column', READINGS.replace('station TEXT, ', ''), /column "station": expected TEXT, found none/],
  ['another type', READINGS.replace('REAL', 'TEXT'), /"megawatts": expected REAL, found TEXT/],
  [
    'a type that would change what it holds',
    READINGS.replace('station TEXT', 'station INTEGER'),
    /"station": expected TEXT, found INTEGER/,
  ],
  ['a column without a type', READINGS.replace('station TEXT', 'station'), /"station": expected TEXT, found one without a type/],
  ['no key', READINGS.replace(' PRIMARY KEY', ''), /expected a primary key on data_id, found none/],
  ['a key of two columns', `${READINGS.replace(' PRIMARY KEY', '')}, PRIMARY KEY (data_id, station)`, /expected a primary key on data_id/],
  ['no data_id', READINGS.replace('data_id TEXT PRIMARY KEY, ', ''), /column "data_id": expected TEXT, found none/],
  ['a generated column', READINGS.replace('station TEXT', "station TEXT AS ('x')"), /"station": expected TEXT, found a generated one/],
  ['a column that must be given', `${READINGS}, site INTEGER NOT NULL`, /"site": expected none, or one that may be null/],
  ['three at once', 'data_id TEXT, source TEXT, created INTEGER, parents TEXT, station TEXT, data_extra TEXT', /created.*megawatts.*key/],
]

for (const [what, columns, message] of DIFFERENCES) {
  it(`names ${what}, and the SQL that mends it`, async () => {
    const made = owned(`CREATE TABLE readings (${columns})`)
    const writer = await writerIn(made)
    const error = await refused('a table that differs', 'TABLE_MISMATCH', () => writeAll(writer, readings, batchesOf(5)))
    expect(error.message).toMatch(message)
    expect(error.message).toContain('The table "readings" does not fit the topic \'readings\'')
    made.hold(error.fix!.replace('Mend it with: ', '')).close()
    expect((await writeAll(writer, readings, batchesOf(5))).unstorable).toEqual([])
    expect(made.sql('SELECT count(*) AS n FROM readings')).toEqual([{ n: 5 }])
  })
}

it('does not store in a partial key’s table, where a datum could be there twice', async () => {
  const made = owned(
    `CREATE TABLE readings (${READINGS.replace(' PRIMARY KEY', '')}); CREATE UNIQUE INDEX some ON readings (data_id) WHERE station = 'a'`,
  )
  await refused('a partial key', 'TABLE_MISMATCH', async () => writeAll(await writerIn(made), readings, batchesOf(1)))
})

it('does not store where there is no table but a view', async () => {
  const made = owned('CREATE VIEW readings AS SELECT 1 AS data_id')
  const error = await refused('a view', 'TABLE_MISMATCH', async () => writeAll(await writerIn(made), readings, batchesOf(1)))
  expect(error.message).toContain('expected a table, found a view by that name')
})

it('looks again at a table that was changed or dropped while it was in use', async () => {
  const made = scratch()
  const writer = await writerIn(made)
  await writeAll(writer, readings, batchesOf(5))
  made.sql('ALTER TABLE readings RENAME COLUMN station TO place')
  const first = await refused('a roll into a changed table', 'STORE_UNAVAILABLE', () =>
    writeAll(writer, readings, batchesOf(5, undefined, 5)),
  )
  expect(first.message).toMatch(/no column named station.*The table is looked at again/)
  const error = await refused('the next attempt', 'TABLE_MISMATCH', () => writeAll(writer, readings, batchesOf(5, undefined, 5)))
  expect(error.message).toContain('"station"')
  made.sql('DROP TABLE readings')
  await writeAll(writer, readings, batchesOf(5, undefined, 5))
  expect(made.sql('SELECT count(*) AS n FROM readings')).toEqual([{ n: 5 }])
})

it('puts no two topics into one table', async () => {
  const writer = await writerIn(scratch(), { table: of => of.name })
  await writeAll(writer, readings, batchesOf(1))
  const alike = topic('Readings', z.object({ station: z.string() }))
  const error = await refused('a second topic in one table', 'CONFIG_INVALID', () => writeAll(writer, alike, batchesOf(1)))
  expect(error.message).toContain("'readings' and 'Readings'")
})
