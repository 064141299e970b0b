import { serialize } from 'bson'
import { Packr } from 'msgpackr'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { parseId } from '../../../src/envelope/data-id.ts'
import { FrameWriter } from '../../../src/envelope/frame.ts'
import { bytes } from '../../../src/envelope/schema.ts'
import { type Topic, topic } from '../../../src/stream/topic.ts'
import { servers } from '../../servers/shared.ts'
import { batchesOf, type Given, idOf, idsOf, NOON_MS } from '../batches.ts'
import { scratch } from './scratch.ts'
import { writeAll, writerIn } from './written.ts'

const pack = (value: unknown) => new Packr({ useRecords: false }).pack(value)
const all = topic(
  'all-kinds',
  z.object({ station: z.string(), load: z.number(), on: z.boolean(), tags: z.array(z.unknown()), Source: z.string() }),
)

/** Stores the data and reads rows back, in the order of the data. */
async function stored(of: Topic, given: readonly Given[], columns: string, table = of.name.replace('-', '_')) {
  const database = scratch(servers().postgres)
  const batches = batchesOf(given.length, i => given[i]!, 0, of.name)
  const written = await writeAll(await writerIn(database), of, batches)
  const rows = await database.sql(`SELECT data_id, ${columns} FROM ${table}`)
  const order = given.map((_, i) => idOf(i))
  return {
    written,
    rows: rows
      .sort((a, b) => order.indexOf(String(a.data_id)) - order.indexOf(String(b.data_id)))
      .map(({ data_id: _, ...row }) => Object.values(row)),
  }
}

it('holds each kind of field as its own type, and exactly', async () => {
  const loads = [0, -0.1, 1e-300, Number.MAX_SAFE_INTEGER, 1 / 3]
  const stations = ['', "it's", 'tab\tline\nslash\\', '北京 😀', 'x'.repeat(100_000)]
  const given = loads.map((load, i) => ({
    data: { station: stations[i], load, on: i % 2 === 0, tags: [i, { deep: ['ü', null] }], Source: `s${i}` },
  }))
  const { rows, written } = await stored(
    all,
    given,
    'station, load, "on", tags, "data_Source", data_extra, pg_typeof(load)::text AS load_type, pg_typeof(tags)::text AS tags_type',
  )
  expect(written.unstorable).toEqual([])
  expect(rows).toEqual(
    loads.map((load, i) => [stations[i], load, i % 2 === 0, [i, { deep: ['ü', null] }], `s${i}`, null, 'double precision', 'jsonb']),
  )
})

it('takes an absent field and null for no value, and keeps fields that the schema does not have', async () => {
  const { rows } = await stored(
    all,
    [{ data: { station: null } }, { data: { extra: 1, load: 2, more: { a: [1] } } }, { raw: '{"__proto__":{"a":1},"load":3}' }],
    'station, load, data_extra',
  )
  expect(rows).toEqual([
    [null, null, null],
    [null, 2, { extra: 1, more: { a: [1] } }],
    [null, 3, expect.anything()],
  ])
  expect(JSON.stringify(rows[2]?.[2])).toBe('{"__proto__":{"a":1}}')
})

it('does not take what every object has for a field', async () => {
  const odd = topic('odd', z.object({ constructor: z.string(), toString: z.string() }))
  const { rows, written } = await stored(odd, [{ data: {} }, { data: { toString: 'mine' } }], 'constructor, "toString"')
  expect(written.unstorable).toEqual([])
  expect(rows).toEqual([
    [null, null],
    [null, 'mine'],
  ])
})

it('keeps the envelope: source, time to the millisecond, parents', async () => {
  const database = scratch(servers().postgres)
  const parents = [idOf(101), idOf(102)]
  const times = [0, NOON_MS + 0.9, Date.UTC(-4700, 0), Date.UTC(1500, 1, 2), Date.UTC(200_000, 0)]
  const frames = new FrameWriter()
  for (const [i, createdMs] of times.entries()) {
    const id = parseId(idOf(i))
    const data = '{}'
    const parts = {
      id,
      idAt: 0,
      supplied: true,
      source: Buffer.from('mètre'),
      createdMs,
      contentType: 'application/json',
      type: '',
      key: 'k',
      data,
    }
    frames.add({ ...parts, parents: i === 0 ? new Uint8Array(0) : Buffer.concat(parents.map(parseId)) })
  }
  await writeAll(await writerIn(database), all, [{ topic: all.name, partition: 0, first: 0, appendedMs: 0, ...frames.take() }])
  const rows = await database.sql(
    'SELECT source, extract(epoch FROM created) * 1000 AS ms, parents::text[] FROM all_kinds ORDER BY created',
  )
  const byTime = times.map(Math.floor).sort((a, b) => a - b)
  expect(rows.map(row => [row.source, Number(row.ms), row.parents])).toEqual(byTime.map(ms => ['mètre', ms, ms === 0 ? null : parents]))
})

it('keeps JSON of a topic without declared fields to the last digit', async () => {
  const { rows } = await stored(
    topic('anything', z.unknown()),
    [
      { raw: '{"n":12345678901234567890.123,"u":"\\ud83d\\ude00 ü"}' },
      { raw: 'null' },
      { raw: '[]' },
      { raw: 'just text', contentType: 'text/plain' },
    ],
    'data::text',
  )
  expect(rows.flat()).toEqual(['{"n": 12345678901234567890.123, "u": "😀 ü"}', 'null', '[]', '"just text"'])
})

it('keeps bytes as they are', async () => {
  const given = [Buffer.from([0, 255, 10, 92, 0]), Buffer.alloc(0), Buffer.from('{"json":true}')]
  const { rows } = await stored(
    topic('frames', bytes()),
    given.map(raw => ({ raw, contentType: 'image/jpeg' })),
    'data',
  )
  expect(rows.flat()).toEqual(given)
})

it('stores MessagePack and BSON as what they encode', async () => {
  const packed: Given = { raw: pack({ station: 'm', load: 7n, on: true, tags: [new Date(0)] }), contentType: 'application/msgpack' }
  const bson: Given = { raw: serialize({ station: new Date(0), load: 1.5, tags: [Buffer.from('ab')] }), contentType: 'application/bson' }
  const tooLarge: Given = { raw: pack({ load: 2n ** 60n }), contentType: 'application/msgpack' }
  const { rows, written } = await stored(all, [packed, bson, tooLarge], 'station, load, "on", tags')
  expect(rows).toEqual([
    ['m', 7, true, ['1970-01-01T00:00:00.000Z']],
    ['1970-01-01T00:00:00.000Z', 1.5, null, ['YWI=']],
  ])
  expect(written.unstorable).toEqual([{ offset: 2, reason: 'its load is "1152921504606846976", and the topic\'s schema says number' }])
})

it('stores what it can of a roll, and says the same of the rest each time', async () => {
  const database = scratch(servers().postgres)
  const writer = await writerIn(database)
  const given = (i: number): Given => (i % 10 === 3 ? { raw: '{"station":"\\u0000"}' } : i % 10 === 7 ? { data: { load: 'many' } } : {})
  const batches = batchesOf(200, given)
  const once = await writeAll(writer, all, batches)
  expect(await writeAll(writer, all, batches, { resumed: true })).toEqual(once)
  expect(once.unstorable.map(({ offset }) => offset)).toEqual(
    Array.from({ length: 200 }, (_, i) => i).filter(i => i % 10 === 3 || i % 10 === 7),
  )
  expect(once.files).toBe(1)
  expect(await database.sql('SELECT count(*)::int AS n FROM all_kinds')).toEqual([{ n: 160 }])
})

it('stores a roll of several chunks, and of several topics, each in its table', async () => {
  const database = scratch(servers().postgres)
  const types = new Map(['even', 'odd'].map(name => [name, topic(name, z.object({ note: z.string() }))]))
  const frames = new FrameWriter()
  for (let i = 0; i < 6_000; i++) {
    const type = i % 3 === 0 ? 'odd' : 'even'
    const data = JSON.stringify({ note: `${i} ${'x'.repeat(700)}` })
    const parts = {
      id: parseId(idOf(i)),
      idAt: 0,
      supplied: true,
      source: Buffer.from('m'),
      createdMs: NOON_MS,
      key: '',
      parents: Buffer.alloc(0),
    }
    frames.add({ ...parts, contentType: 'application/json', type, data })
  }
  const replay = { ...all, name: '_replay.lake@1' }
  const batch = { topic: replay.name, partition: 0, first: 0, appendedMs: 0, ...frames.take() }
  const written = await writeAll(await writerIn(database), replay, [batch], { types })
  expect(written).toMatchObject({ files: 2, unstorable: [] })
  expect(written.bytes).toBeGreaterThan(4_000_000)
  for (const [table, count] of [
    ['odd', 2_000],
    ['even', 4_000],
  ] as const)
    expect(await database.sql(`SELECT count(*)::int AS n, count(DISTINCT note)::int AS notes FROM ${table}`)).toEqual([
      { n: count, notes: count },
    ])
  const tables = await database.sql('SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = $1', [database.schema])
  expect(tables).toEqual([{ n: 2 }])
})

it('leaves nothing behind in the session between rolls', async () => {
  const database = scratch(servers().postgres)
  const writer = await writerIn(database)
  await writeAll(writer, all, batchesOf(100))
  await writeAll(writer, all, batchesOf(100, undefined, 100))
  const rows = await database.sql('SELECT data_id::text AS id FROM all_kinds')
  expect(rows.map(({ id }) => id).sort()).toEqual(idsOf(0, 200))
})
