import { expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../../src/clock.ts'
import { postgres } from '../../../src/storage/adapters/postgres/index.ts'
import { topic } from '../../../src/stream/topic.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { servers } from '../../servers/shared.ts'
import { batchesOf, readings } from '../batches.ts'
import { scratch } from './scratch.ts'
import { writeAll, writerIn } from './written.ts'

const READINGS =
  'data_id uuid PRIMARY KEY, source text, created timestamptz, parents uuid[], station text, megawatts double precision, data_extra jsonb'

/** A schema with a table of readings that its owner has made. */
async function owned(create: string) {
  const database = scratch(servers().postgres)
  await database.sql(`CREATE SCHEMA ${database.schema}`)
  await database.sql(create)
  return database
}

it('makes a table where there is none, in a schema where there is none', async () => {
  const database = scratch(servers().postgres)
  await writeAll(await writerIn(database), readings, batchesOf(3))
  const columns = await database.sql(
    "SELECT string_agg(column_name || ' ' || data_type || ' ' || is_nullable, ', ' ORDER BY ordinal_position) AS c FROM information_schema.columns WHERE table_schema = $1",
    [database.schema],
  )
  expect(columns).toEqual([
    {
      c: 'data_id uuid NO, source text NO, created timestamp with time zone NO, parents ARRAY YES, station text YES, megawatts double precision YES, data_extra jsonb YES',
    },
  ])
})

it('makes a table once when many are at it', async () => {
  const database = scratch(servers().postgres)
  const writers = await Promise.all(Array.from({ length: 6 }, () => writerIn(database)))
  await Promise.all(writers.map((writer, i) => writeAll(writer, readings, batchesOf(50, undefined, 50 * i))))
  expect(await database.sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 300 }])
})

it('makes or checks the tables at the start, where it knows the topics', async () => {
  const database = scratch(servers().postgres)
  const store = postgres(database.address, { schema: database.schema })
  await (await store.open(systemClock, [readings])).close()
  expect(await database.sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 0 }])
  await database.sql('ALTER TABLE readings DROP COLUMN station')
  await refused('a start with a table that differs', 'TABLE_MISMATCH', () => store.open(systemClock, [readings]))
})

it('takes a table as its owner has made it, with columns, keys and constraints of his own', async () => {
  const database = await owned(
    `CREATE TABLE readings (id bigserial PRIMARY KEY, note text, seen timestamptz NOT NULL DEFAULT now(), ${READINGS.replace('PRIMARY KEY', 'UNIQUE').replace('station text', 'station varchar NOT NULL')})`,
  )
  const writer = await writerIn(database, { create: false })
  expect((await writeAll(writer, readings, batchesOf(5))).unstorable).toEqual([])
  expect((await writeAll(writer, readings, batchesOf(5))).unstorable).toEqual([])
  expect(await database.sql('SELECT count(*)::int AS n, max(id)::int AS last FROM readings WHERE seen IS NOT NULL')).toMatchObject([
    { n: 5 },
  ])
})

const DIFFERENCES: readonly [string, string, RegExp][] = [
  ['a missing column', READINGS.replace('station text, ', ''), /column "station": expected text, found none/],
  ['another type', READINGS.replace('double precision', 'numeric(8,2)'), /"megawatts": expected double precision, found numeric\(8,2\)/],
  ['no key', READINGS.replace(' PRIMARY KEY', ''), /expected a primary key on data_id, found none/],
  ['no data_id', READINGS.replace('data_id uuid PRIMARY KEY, ', ''), /column "data_id": expected uuid, found none/],
  ['text for ids', READINGS.replace('uuid PRIMARY', 'text PRIMARY'), /"data_id": expected uuid, found text/],
  ['a column that must be given', `${READINGS}, site int NOT NULL`, /"site": expected none, or one that may be null/],
  [
    'three at once',
    'data_id uuid, source text, created timestamp, parents uuid[], megawatts real, station text, data_extra jsonb',
    /created.*megawatts.*key/,
  ],
]

for (const [what, columns, message] of DIFFERENCES) {
  it(`names ${what}, and the SQL that mends it`, async () => {
    const database = await owned(`CREATE TABLE readings (${columns})`)
    const writer = await writerIn(database)
    const error = await refused('a table that differs', 'TABLE_MISMATCH', () => writeAll(writer, readings, batchesOf(5)))
    expect(error.message).toMatch(message)
    expect(error.message).toContain(`"${database.schema}"."readings" does not fit the topic 'readings'`)
    await database.sql(error.fix!.replace('Mend it with: ', ''))
    expect((await writeAll(writer, readings, batchesOf(5))).unstorable).toEqual([])
    expect(await database.sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 5 }])
  })
}

it('does not store where a crash of the server would empty the table, or where there is no table but a view', async () => {
  const database = await owned(`CREATE UNLOGGED TABLE readings (${READINGS})`)
  const writer = await writerIn(database)
  const error = await refused('an unlogged table', 'TABLE_MISMATCH', () => writeAll(writer, readings, batchesOf(1)))
  expect(error.fix).toContain('SET LOGGED')
  await database.sql('DROP TABLE readings; CREATE VIEW readings AS SELECT 1 AS data_id')
  const view = await refused('a view', 'TABLE_MISMATCH', () => writeAll(writer, readings, batchesOf(1)))
  expect(view.message).toContain('found something else')
})

it('makes none where it must not, and says how to', async () => {
  const database = scratch(servers().postgres)
  await database.sql(`CREATE SCHEMA ${database.schema}`)
  const writer = await writerIn(database, { create: false, table: 'Odd "name"' })
  const error = await refused('a missing table', 'TABLE_MISMATCH', () => writeAll(writer, readings, batchesOf(4)))
  await database.sql(error.fix!.replace('Make it with: ', ''))
  await writeAll(writer, readings, batchesOf(4))
  expect(await database.sql('SELECT count(*)::int AS n FROM "Odd ""name"""')).toEqual([{ n: 4 }])
})

it('looks again at a table that was changed or dropped while it was in use', async () => {
  const database = scratch(servers().postgres)
  const writer = await writerIn(database)
  await writeAll(writer, readings, batchesOf(5))
  await database.sql('ALTER TABLE readings RENAME COLUMN station TO place')
  await refused('a roll into a changed table', 'STORE_UNAVAILABLE', () => writeAll(writer, readings, batchesOf(5, undefined, 5)))
  const error = await refused('the next attempt', 'TABLE_MISMATCH', () => writeAll(writer, readings, batchesOf(5, undefined, 5)))
  expect(error.message).toContain('"station"')
  await database.sql('DROP TABLE readings')
  await writeAll(writer, readings, batchesOf(5, undefined, 5))
  expect(await database.sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 5 }])
})

it('puts no two topics into one table', async () => {
  const database = scratch(servers().postgres)
  const writer = await writerIn(database)
  await writeAll(writer, readings, batchesOf(1))
  const alike = topic('Readings', z.object({ station: z.string() }))
  const error = await refused('a second topic in one table', 'CONFIG_INVALID', () => writeAll(writer, alike, batchesOf(1)))
  expect(error.message).toContain("'readings' and 'Readings'")
})
