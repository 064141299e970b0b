import { expect, it } from 'vitest'
import { z } from 'zod'
import { topic } from '../../../src/stream/topic.ts'
import { servers } from '../../servers/shared.ts'
import { batchesOf, type Given, readings } from '../batches.ts'
import { scratch } from './scratch.ts'
import { writeAll, writerIn } from './written.ts'

/** A table that has readings in it already, with what its owner adds then. */
async function tableWith(alter: string) {
  const database = scratch(servers().postgres)
  const writer = await writerIn(database)
  await writeAll(writer, readings, batchesOf(1))
  await database.sql(alter)
  return { ...database, writer }
}

const negativeAt =
  (offsets: readonly number[]) =>
  (i: number): Given =>
    offsets.includes(i) ? { data: { station: 'bad', megawatts: -1 } } : { data: { station: 'good', megawatts: i } }

it('finds the rows that a constraint refuses, and stores all others', async () => {
  const { writer, sql } = await tableWith('ALTER TABLE readings ADD CONSTRAINT positive CHECK (megawatts >= 0)')
  const bad = [1, 500, 501, 777, 999]
  const batches = batchesOf(1_000, negativeAt(bad))
  const written = await writeAll(writer, readings, batches)
  expect(written.unstorable).toEqual(
    bad.map(offset => ({ offset, reason: 'PostgreSQL refuses it: new row for relation "readings" violates check constraint "positive"' })),
  )
  expect(await sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 995 }])
  expect(await writeAll(writer, readings, batches)).toEqual(written)
  expect(await sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 995 }])
})

it('goes on where every row is refused', async () => {
  const { writer, sql } = await tableWith('ALTER TABLE readings ALTER COLUMN station SET NOT NULL')
  const written = await writeAll(
    writer,
    readings,
    batchesOf(300, () => ({ data: { megawatts: 1 } }), 1),
  )
  expect(written.unstorable.map(({ offset }) => offset)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1))
  await writeAll(writer, readings, batchesOf(10, undefined, 301))
  expect(await sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 11 }])
})

it('lays what would be checked at commit, and what a trigger says, to the row', async () => {
  const { writer, sql } = await tableWith(`
    CREATE TABLE stations (name text PRIMARY KEY);
    INSERT INTO stations VALUES ('good'), ('station-0');
    ALTER TABLE readings ADD FOREIGN KEY (station) REFERENCES stations DEFERRABLE INITIALLY DEFERRED;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
    CREATE TRIGGER refuse BEFORE INSERT ON readings FOR EACH ROW WHEN (NEW.megawatts = 7) EXECUTE FUNCTION refuse()`)
  const written = await writeAll(writer, readings, batchesOf(20, negativeAt([13])))
  expect(written.unstorable).toEqual([
    { offset: 7, reason: 'PostgreSQL refuses it: not today' },
    { offset: 13, reason: expect.stringContaining('violates foreign key constraint') },
  ])
  expect(await sql('SELECT count(*)::int AS n FROM readings')).toEqual([{ n: 18 }])
})

it('finds JSON that only PostgreSQL cannot hold', async () => {
  const database = scratch(servers().postgres)
  const deep = '['.repeat(100_000) + ']'.repeat(100_000)
  const given: Record<number, Given> = { 1: { raw: deep }, 3: { raw: '1e400000' }, 8: { raw: '[{"a":"\\u0000","a":1}]' } }
  const written = await writeAll(
    await writerIn(database),
    topic('anything', z.unknown()),
    batchesOf(12, i => given[i] ?? { raw: '{}' }),
  )
  expect(written.unstorable.map(({ offset }) => offset)).toEqual([1, 3, 8])
  expect(await database.sql('SELECT count(*)::int AS n FROM anything')).toEqual([{ n: 9 }])
})
