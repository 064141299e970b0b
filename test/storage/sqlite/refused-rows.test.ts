import { expect, it } from 'vitest'
import { batchesOf, type Given, readings } from '../batches.ts'
import { scratch } from './scratch.ts'
import { writeAll, writerIn } from './written.ts'

const COLUMNS = 'data_id TEXT PRIMARY KEY, source TEXT, created TEXT, parents TEXT, megawatts REAL, data_extra TEXT'

/** A table of readings that refuses some, as its owner has made it. */
async function tableWith(station: string, more = '') {
  const made = scratch()
  made.hold(`CREATE TABLE readings (${COLUMNS}, station TEXT ${station}); ${more}`).close()
  return { ...made, writer: await writerIn(made) }
}

const negativeAt =
  (offsets: readonly number[]) =>
  (i: number): Given =>
    offsets.includes(i) ? { data: { station: 'bad', megawatts: -1 } } : { data: { station: 'good', megawatts: i } }

it('finds the rows that a constraint refuses, and stores all others', async () => {
  const { writer, sql } = await tableWith("CHECK (station <> 'bad')")
  const bad = [1, 500, 501, 2_777, 4_999]
  const batches = batchesOf(5_000, negativeAt(bad))
  const written = await writeAll(writer, readings, batches)
  expect(written.unstorable).toEqual(
    bad.map(offset => ({ offset, reason: expect.stringMatching(/^SQLite refuses it: CHECK constraint failed/) })),
  )
  expect(sql('SELECT count(*) AS n FROM readings')).toEqual([{ n: 4_995 }])
  expect(await writeAll(writer, readings, batches)).toEqual(written)
  expect(sql('SELECT count(*) AS n FROM readings')).toEqual([{ n: 4_995 }])
})

it('lays what a trigger says to the row, also where it rolls back the rows before', async () => {
  for (const how of ['ABORT', 'FAIL', 'ROLLBACK']) {
    const trigger = `CREATE TRIGGER refuse BEFORE INSERT ON readings WHEN NEW.megawatts = 7 BEGIN SELECT RAISE(${how}, 'not today'); END`
    const { writer, sql } = await tableWith('', trigger)
    const written = await writeAll(writer, readings, batchesOf(20, negativeAt([])))
    expect(written.unstorable, how).toEqual([{ offset: 7, reason: 'SQLite refuses it: not today' }])
    expect(sql('SELECT count(*) AS n FROM readings'), how).toEqual([{ n: 19 }])
  }
})

it('lays what would be found at the commit alone to the row', async () => {
  const { writer, sql } = await tableWith(
    'REFERENCES stations DEFERRABLE INITIALLY DEFERRED',
    "CREATE TABLE stations (name TEXT PRIMARY KEY); INSERT INTO stations VALUES ('good')",
  )
  const written = await writeAll(writer, readings, batchesOf(20, negativeAt([13])))
  expect(written.unstorable).toEqual([{ offset: 13, reason: 'SQLite refuses it: FOREIGN KEY constraint failed' }])
  expect(sql('SELECT count(*) AS n FROM readings')).toEqual([{ n: 19 }])
})

it('goes on where every row is refused', async () => {
  const { writer, sql } = await tableWith('NOT NULL')
  const written = await writeAll(
    writer,
    readings,
    batchesOf(300, () => ({ data: { megawatts: 1 } })),
  )
  expect(written.unstorable.map(({ offset }) => offset)).toEqual(Array.from({ length: 300 }, (_, i) => i))
  await writeAll(writer, readings, batchesOf(10, undefined, 300))
  expect(sql('SELECT count(*) AS n FROM readings')).toEqual([{ n: 10 }])
})
