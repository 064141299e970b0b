import { pack } from 'msgpackr'
import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../../src/clock.ts'
import { bytes } from '../../../src/envelope/schema.ts'
import { type FilesOptions, files } from '../../../src/storage/adapters/files/index.ts'
import { columnName } from '../../../src/storage/formats/columns.ts'
import { type Topic, topic } from '../../../src/stream/topic.ts'
import { batchesOf, type Given, idOf, never, rollOf, stream } from '../batches.ts'
import { rowsIn } from '../duckdb.ts'
import { filesIn, temporaryFolder } from '../lake.ts'

const READ = "read_parquet('{}/**/*.parquet', union_by_name = true)"

async function lakeOf(of: readonly Given[] | [number, (i: number) => Given], options: FilesOptions = {}, into: Topic = loose) {
  const folder = await temporaryFolder()
  const writer = await files(folder, { format: 'parquet', ...options }).open(systemClock)
  const [count, each] = typeof of[0] === 'number' ? (of as [number, (i: number) => Given]) : [of.length, (i: number) => of[i] as Given]
  const written = await writer.write(rollOf(0, count, { topic: into }), stream(batchesOf(count, each)), never())
  return { folder, written, query: (sql: string) => rowsIn(folder, sql) }
}

/** A schema that says nothing of its columns: Valibot's do not speak JSON Schema by themselves. */
const loose = topic('loose', v.looseObject({}))

describe('files of Parquet', () => {
  it.each(['zstd', 'snappy', 'gzip', 'none'] as const)('are read by DuckDB, every row once: %s', async compression => {
    const { written, query } = await lakeOf(
      [30_000, i => ({ data: { station: `s${i % 9}`, megawatts: i, ok: i % 2 === 0, note: i % 3 ? `reading ${i}` : null } })],
      { compression },
    )
    expect(written).toMatchObject({ files: 1, unstorable: [] })
    expect(
      await query(`SELECT count(*)::INT AS n, count(DISTINCT data_id)::INT AS ids, sum(megawatts)::INT AS total, count(*) FILTER (ok)::INT AS ok,
        count(note)::INT AS notes, min(created)::VARCHAR AS earliest, count(DISTINCT station)::INT AS stations FROM ${READ}`),
    ).toEqual([
      { n: 30_000, ids: 30_000, total: (30_000 * 29_999) / 2, ok: 15_000, notes: 20_000, earliest: '2026-01-31 12:00:00', stations: 9 },
    ])
  })

  it('stay small in memory where each datum has few of very many fields, and hold every row once', async () => {
    const { written, query } = await lakeOf([20_000, i => (i === 19_000 ? { raw: '{' } : { data: { [`f${i % 300}`]: i } })])
    expect(written).toMatchObject({ files: 1, unstorable: [{ offset: 19_000 }] })
    expect(await query(`SELECT count(*)::INT AS n, count(DISTINCT data_id)::INT AS ids, sum(f7)::INT AS sum FROM ${READ}`)).toEqual([
      { n: 19_999, ids: 19_999, sum: 67 * 7 + (300 * 66 * 67) / 2 },
    ])
    const groups = await query(`SELECT row_group_num_rows::INT AS n FROM parquet_metadata('{}/**/*.parquet') WHERE path_in_schema = 'f7'`)
    expect(groups.length).toBeGreaterThan(2)
    for (const { n } of groups) expect(Number(n) * 300).toBeLessThanOrEqual(2_000_000)
  })

  it('hold a row’s envelope and its fields, each under its own type', async () => {
    const { query } = await lakeOf([{ data: { name: 'a', n: 1, yes: true, list: [1, 'x'], none: null }, source: 'm' }])
    expect(await query(`SELECT * EXCLUDE (date, hour) FROM ${READ}`)).toEqual([
      { data_id: idOf(0), source: 'm', created: '2026-01-31 12:00:00', parents: null, list: '[1,"x"]', n: 1, name: 'a', yes: true },
    ])
    expect((await query(`DESCRIBE SELECT list, n, name, yes FROM ${READ}`)).map(row => row.column_type)).toEqual([
      'VARCHAR',
      'DOUBLE',
      'VARCHAR',
      'BOOLEAN',
    ])
  })

  it('hold the record alone with record: plain', async () => {
    const { query } = await lakeOf([{ data: { source: 'theirs', n: 1 } }], { record: 'plain' })
    expect(await query(`SELECT * EXCLUDE (date, hour) FROM ${READ}`)).toEqual([{ n: 1, source: 'theirs' }])
  })

  it('have the columns that the schema declares, in its order, also where no datum has them', async () => {
    const declared = topic(
      'declared',
      z.object({ z: z.number().nullish(), a: z.enum(['x', 'y']), tags: z.array(z.string()).optional(), m: z.boolean().optional() }),
    )
    const { query } = await lakeOf([{ data: { a: 'x', extra: 1 } }], { record: 'plain' }, declared)
    expect((await query(`DESCRIBE SELECT * EXCLUDE (date, hour) FROM ${READ}`)).map(row => [row.column_name, row.column_type])).toEqual([
      ['z', 'DOUBLE'],
      ['a', 'VARCHAR'],
      ['tags', 'VARCHAR'],
      ['m', 'BOOLEAN'],
      ['extra', 'DOUBLE'],
    ])
  })

  it('refuse a value that the declared column cannot hold, with the reason, and keep the others', async () => {
    const declared = topic('declared', z.object({ station: z.string(), megawatts: z.number() }))
    const { written, query } = await lakeOf(
      [
        { data: { station: 'a', megawatts: 1 } },
        { data: { station: 'b', megawatts: 'much' } },
        { raw: '{"station":' },
        { data: { station: 'c' } },
      ],
      {},
      declared,
    )
    expect(written.unstorable).toEqual([
      { offset: 1, reason: `its megawatts is "much", and the topic's schema says number` },
      { offset: 2, reason: expect.stringContaining('its data cannot be read: ') },
    ])
    expect(await query(`SELECT station, megawatts FROM ${READ} ORDER BY station`)).toEqual([
      { station: 'a', megawatts: 1 },
      { station: 'c', megawatts: null },
    ])
  })

  it('hold a field of several types as JSON text', async () => {
    const { query } = await lakeOf([{ data: { x: 1 } }, { data: { x: 'one' } }, { data: { x: { y: 1 } } }])
    expect((await query(`SELECT x FROM ${READ} ORDER BY data_id`)).map(row => row.x).sort()).toEqual(['"one"', '1', '{"y":1}'])
  })

  it('begin another part where the columns change within a roll', async () => {
    const big = 'x'.repeat(3_000)
    const { written, query } = await lakeOf([
      6_000,
      i => ({ data: i < 3_000 ? { a: i, big } : i < 5_000 ? { a: `${i}`, big, b: 1 } : { a: i, big } }),
    ])
    expect(written.files).toBeGreaterThan(1)
    expect(await query(`SELECT count(*)::INT AS n, count(DISTINCT data_id)::INT AS ids, count(b)::INT AS b FROM ${READ}`)).toEqual([
      { n: 6_000, ids: 6_000, b: 2_000 },
    ])
  })

  it('give way where a field is called like a column of the envelope or a folder', async () => {
    const { query } = await lakeOf([{ data: { source: 's', hour: 7, key: 'k', data_source: 'd', Created: 'c' } }])
    expect(await query(`SELECT source, hour, data_source, data_hour, data_key, data_data_source, data_Created FROM ${READ}`)).toEqual([
      { source: 'meter', hour: '12', data_source: 's', data_hour: 7, data_key: 'k', data_data_source: 'd', data_Created: 'c' },
    ])
  })

  it('name no two fields alike', () => {
    const fields = [
      'data',
      'source',
      'data_source',
      'data_data_source',
      'data_id',
      'data_data_id',
      'data_data',
      'key',
      'data_key',
      'SOURCE',
      'other',
      'data_other',
    ]
    for (const envelope of [true, false]) expect(new Set(fields.map(field => columnName(field, envelope))).size).toBe(fields.length)
  })

  it('hold data that are not objects in the column data', async () => {
    const { query } = await lakeOf([{ data: 5 }, { data: [1, 2] }, { raw: 'words', contentType: 'text/plain' }])
    expect((await query(`SELECT data FROM ${READ}`)).map(row => row.data).sort()).toEqual(['"words"', '5', '[1,2]'])
  })

  it('hold bytes as bytes', async () => {
    const { query } = await lakeOf([{ raw: Uint8Array.of(0, 255), contentType: 'image/png' }], {}, topic('frames', bytes()))
    expect(await query(`SELECT hex(data) AS data FROM ${READ}`)).toEqual([{ data: '00FF' }])
  })

  it('hold MessagePack as what it encodes', async () => {
    const { query } = await lakeOf([{ raw: pack({ n: 1.5, at: new Date(0), raw: Buffer.from('hi') }), contentType: 'application/msgpack' }])
    expect(await query(`SELECT n, "at", raw FROM ${READ}`)).toEqual([{ n: 1.5, at: '1970-01-01T00:00:00.000Z', raw: 'aGk=' }])
  })

  it('take fields named for prototypes as fields', async () => {
    const { query } = await lakeOf([{ raw: '{"__proto__":{"polluted":true},"constructor":1,"toString":"t"}' }])
    expect(await query(`SELECT "__proto__" AS p, "constructor" AS c, "toString" AS t FROM ${READ}`)).toEqual([
      { p: '{"polluted":true}', c: 1, t: 't' },
    ])
    expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
  })

  it('refuse a datum whose fields would be too many columns', async () => {
    const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, i) => [`f${i}`, i]))
    const { written } = await lakeOf([{ data: { a: 1 } }, { data: many }, { data: { b: 1 } }])
    expect(written.unstorable).toEqual([{ offset: 1, reason: expect.stringContaining('1000 at most') }])
    expect(written.files).toBe(1)
  })

  it('are no file where nothing could be stored', async () => {
    const { folder, written } = await lakeOf([{ raw: '{' }])
    expect(written.files).toBe(0)
    expect(filesIn(folder)).toEqual([])
  })
})
