import { serialize } from 'bson'
import { Packr } from 'msgpackr'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { parseId } from '../../../src/envelope/data-id.ts'
import { FrameWriter } from '../../../src/envelope/frame.ts'
import { bytes } from '../../../src/envelope/schema.ts'
import { type Topic, topic } from '../../../src/stream/topic.ts'
import { batchesOf, type Given, idOf, idsOf, NOON_MS, readings } from '../batches.ts'
import { scratch } from './scratch.ts'
import { writeAll, writerIn } from './written.ts'

const pack = (value: unknown) => new Packr({ useRecords: false }).pack(value)
const all = topic(
  'all-kinds',
  z.object({ station: z.string(), load: z.number(), on: z.boolean(), tags: z.array(z.unknown()), Source: z.string() }),
)

/** Stores the data and reads rows back, in the order of the data. */
async function stored(of: Topic, given: readonly Given[], columns: string) {
  const made = scratch()
  const written = await writeAll(
    await writerIn(made),
    of,
    batchesOf(given.length, i => given[i]!, 0, of.name),
  )
  const order = given.map((_, i) => idOf(i))
  const rows = made
    .sql(`SELECT data_id, ${columns} FROM ${of.name.replace('-', '_')}`)
    .sort((a, b) => order.indexOf(String(a.data_id)) - order.indexOf(String(b.data_id)))
    .map(({ data_id: _, ...row }) => Object.values(row))
  return { written, rows }
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
    'station, load, "on", tags, "data_Source", data_extra, typeof(station) AS s, typeof(load) AS l, typeof("on") AS o, json_valid(tags) AS j',
  )
  expect(written.unstorable).toEqual([])
  expect(rows).toEqual(
    loads.map((load, i) => [
      stations[i],
      load,
      i % 2 === 0 ? 1 : 0,
      `[${i},{"deep":["ü",null]}]`,
      `s${i}`,
      null,
      'text',
      'real',
      'integer',
      1,
    ]),
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
    [null, 2, '{"extra":1,"more":{"a":[1]}}'],
    [null, 3, '{"__proto__":{"a":1}}'],
  ])
})

it('keeps the envelope: id, source, time to the millisecond in the order of time, parents', async () => {
  const made = scratch()
  const parents = [idOf(101), idOf(102)]
  const times = [NOON_MS + 0.9, 0, Date.UTC(1500, 1, 2), Date.UTC(9999, 11, 31, 23, 59, 59, 999)]
  const frames = new FrameWriter()
  for (const [i, createdMs] of times.entries()) {
    const parts = { id: parseId(idOf(i)), idAt: 0, supplied: true, source: Buffer.from('mètre'), createdMs, type: '', key: 'k', data: '{}' }
    frames.add({ ...parts, contentType: 'application/json', parents: i === 0 ? new Uint8Array(0) : Buffer.concat(parents.map(parseId)) })
  }
  await writeAll(await writerIn(made), all, [{ topic: all.name, partition: 0, first: 0, appendedMs: 0, ...frames.take() }])
  expect(made.sql('SELECT data_id, source, created, parents FROM all_kinds ORDER BY created')).toEqual(
    [2, 1, 0, 3].map(i => ({
      data_id: idOf(i),
      source: 'mètre',
      created: new Date(times[i]!).toISOString(),
      parents: i === 0 ? null : JSON.stringify(parents),
    })),
  )
  expect(made.sql("SELECT count(*) AS n FROM all_kinds WHERE created >= '1970-01-01' AND datetime(created) < '2027-01-01'")).toEqual([
    { n: 2 },
  ])
})

it('keeps JSON of a topic without declared fields to the last digit, and bytes as they are', async () => {
  const { rows } = await stored(
    topic('anything', z.unknown()),
    [{ raw: '{"n":12345678901234567890.123,"u":"\\ud83d ü"}' }, { raw: 'null' }, { raw: 'just text', contentType: 'text/plain' }],
    'data',
  )
  expect(rows.flat()).toEqual(['{"n":12345678901234567890.123,"u":"\\ud83d ü"}', 'null', '"just text"'])
  const raw = [Buffer.from([0, 255, 10, 92, 0]), Buffer.alloc(0), Buffer.from('{"json":true}')]
  const frames = await stored(
    topic('frames', bytes()),
    raw.map(each => ({ raw: each, contentType: 'image/jpeg' })),
    'data',
  )
  expect(frames.rows.flat().map(value => Buffer.from(value as Uint8Array))).toEqual(raw)
})

it('stores MessagePack and BSON as what they encode', async () => {
  const packed: Given = { raw: pack({ station: 'm', load: 7n, on: true, tags: [new Date(0)] }), contentType: 'application/msgpack' }
  const bson: Given = { raw: serialize({ station: new Date(0), load: 1.5, tags: [Buffer.from('ab')] }), contentType: 'application/bson' }
  const { rows } = await stored(all, [packed, bson], 'station, load, "on", tags')
  expect(rows).toEqual([
    ['m', 7, 1, '["1970-01-01T00:00:00.000Z"]'],
    ['1970-01-01T00:00:00.000Z', 1.5, null, '["YWI="]'],
  ])
})

it('says of each datum that cannot be a row why, the same each time, and stores the others', async () => {
  const bad: Given[] = [
    { data: { station: 5 } },
    { data: [1] },
    { raw: '{"station":"a\\u0000b"}' },
    { raw: '{"station":"a\\ud83d"}' },
    { raw: pack({ load: Number.NaN }), contentType: 'application/msgpack' },
    { raw: pack({ load: 2n ** 60n }), contentType: 'application/msgpack' },
    { raw: '{"a":' },
    { source: 'a\0b' },
    { createdMs: Number.NaN },
    { createdMs: 9e15 },
  ]
  const made = scratch()
  const writer = await writerIn(made)
  const batches = batchesOf(200, i => (i < 20 && i % 2 === 0 ? bad[i / 2]! : { data: { load: i } }), 0, all.name)
  const once = await writeAll(writer, all, batches)
  expect(once.unstorable.map(({ offset }) => offset)).toEqual(bad.map((_, i) => 2 * i))
  expect(once.unstorable.map(({ reason }) => reason)).toEqual([
    "its station is 5, and the topic's schema says string",
    "it is [1], and the topic's schema says an object",
    expect.stringMatching(/^its station has .*NUL, or half of a surrogate pair/),
    expect.stringMatching(/^its station has /),
    'its load is NaN, which cannot be stored as a number',
    'its load is "1152921504606846976", and the topic\'s schema says number',
    expect.stringMatching(/^its data cannot be read: /),
    expect.stringMatching(/^its source has .*NUL/),
    'its time NaN is not of the years 0 to 9999',
    expect.stringMatching(/^its time 9/),
  ])
  expect(await writeAll(writer, all, batches, { resumed: true })).toEqual(once)
  expect(made.sql('SELECT count(*) AS n, count(DISTINCT load) AS loads FROM all_kinds')).toEqual([{ n: 190, loads: 190 }])
})

it('stores a roll of many chunks, and of several topics, each in its table', async () => {
  const made = scratch()
  const types = new Map(['even', 'odd'].map(name => [name, topic(name, z.object({ note: z.string() }))]))
  const frames = new FrameWriter()
  for (let i = 0; i < 6_000; i++) {
    const parts = {
      id: parseId(idOf(i)),
      idAt: 0,
      supplied: true,
      source: Buffer.from('m'),
      createdMs: NOON_MS,
      key: '',
      parents: Buffer.alloc(0),
    }
    const data = JSON.stringify({ note: `${i} ${'x'.repeat(700)}` })
    frames.add({ ...parts, contentType: 'application/json', type: i % 3 === 0 ? 'odd' : 'even', data })
  }
  const replay = { ...all, name: '_replay.lake@1' }
  const batch = { topic: replay.name, partition: 0, first: 0, appendedMs: 0, ...frames.take() }
  const written = await writeAll(await writerIn(made), replay, [batch], { types })
  expect(written).toMatchObject({ files: 2, bytes: batch.frames.length, unstorable: [] })
  expect(made.sql('SELECT count(*) AS n, count(DISTINCT note) AS notes FROM odd')).toEqual([{ n: 2_000, notes: 2_000 }])
  expect(made.sql('SELECT count(*) AS n, count(DISTINCT note) AS notes FROM even')).toEqual([{ n: 4_000, notes: 4_000 }])
})

it('leaves a row alone that is there already, whatever its owner has made of it', async () => {
  const made = scratch()
  const writer = await writerIn(made)
  await writeAll(writer, readings, batchesOf(100))
  made.sql("UPDATE readings SET station = 'mended' WHERE data_id = ?", idOf(7))
  await writeAll(writer, readings, batchesOf(200))
  expect(made.sql('SELECT station FROM readings WHERE data_id = ?', idOf(7))).toEqual([{ station: 'mended' }])
  expect(
    made
      .sql('SELECT data_id FROM readings')
      .map(row => String(row.data_id))
      .sort(),
  ).toEqual(idsOf(0, 200))
})
