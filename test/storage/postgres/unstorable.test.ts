import { expect, it } from 'vitest'
import { z } from 'zod'
import { FrameCursor } from '../../../src/envelope/frame.ts'
import { CopyBuffer } from '../../../src/storage/adapters/postgres/copy-buffer.ts'
import { RowWriter } from '../../../src/storage/adapters/postgres/row.ts'
import { tableOf } from '../../../src/storage/adapters/postgres/table.ts'
import { type Topic, topic } from '../../../src/stream/topic.ts'
import { batchesOf, type Given } from '../batches.ts'

const fields = topic('fields', z.object({ station: z.string(), load: z.number(), on: z.boolean(), more: z.array(z.unknown()) }))
const whole = topic('whole', z.unknown())

/** Why each cannot be stored, undefined where it can, and how many rows were written. */
function issuesOf(of: Topic, given: readonly Given[]) {
  const rows = new CopyBuffer()
  const writer = new RowWriter(tableOf(of, 'public', 't'), rows)
  const issues = batchesOf(given.length, i => given[i]!).flatMap(batch => {
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    const found: (string | undefined)[] = []
    while (cursor.next()) found.push(writer.add(cursor, batch.first + cursor.index, batch.ascii))
    return found
  })
  return { issues, rows: rows.rows, bytes: rows.length }
}

const raw = (json: string): Given => ({ raw: json })

it('says of a value which column it does not fit, and what was expected', () => {
  const { issues, rows } = issuesOf(fields, [
    { data: { station: 5 } },
    { data: { load: '5' } },
    { data: { on: 1 } },
    { data: { station: { deep: 'x'.repeat(500) } } },
    { data: [1] },
    raw('null'),
    { data: { station: 'a', load: 1, on: true, more: [] } },
    { data: {} },
  ])
  expect(issues).toEqual([
    "its station is 5, and the topic's schema says string",
    'its load is "5", and the topic\'s schema says number',
    "its on is 1, and the topic's schema says boolean",
    expect.stringMatching(/^its station is .{80}, and/),
    "it is [1], and the topic's schema says an object",
    "it is null, and the topic's schema says an object",
    undefined,
    undefined,
  ])
  expect(rows).toBe(2)
})

it('finds what PostgreSQL’s text cannot hold, wherever it is', () => {
  const bad = [
    raw('{"station":"a\\u0000b"}'),
    raw('{"station":"a\\ud83d"}'),
    raw(`{"station":"${'long '.repeat(20)}\\ude00"}`),
    raw('{"more":["\\u0000"]}'),
    raw('{"more":[{"\\udc00":1}]}'),
    raw('{"unknown":"\\u0000"}'),
    raw('{"un\\u0000known":1}'),
  ]
  const good = [raw('{"station":"\\ud83d\\ude00"}'), raw('{"station":"\\\\u0000"}'), raw('{"more":["\\\\ud800 \\\\u0000"]}')]
  expect(issuesOf(fields, bad).issues).toEqual(bad.map(() => expect.stringContaining('cannot hold: NUL, or half of a surrogate pair')))
  expect(issuesOf(fields, good).issues).toEqual(good.map(() => undefined))
  const wholes = ['"\\u0000"', '{"a":"\\uD800"}', '{"\\uDFFF":1}'].map(raw)
  expect(issuesOf(whole, wholes).issues).toEqual(wholes.map(() => expect.stringContaining('cannot hold')))
  expect(issuesOf(whole, ['"\\uD83D\\uDE00"', '"\\\\u0000"', '{"a":1e3}'].map(raw)).issues).toEqual([undefined, undefined, undefined])
})

it('finds data that do not decode, sources that are not text, and times that are none', () => {
  const given: Given[] = [
    raw('{"a":'),
    { raw: Buffer.from([0x22, 0xff, 0x22]) },
    { raw: Buffer.from([0xc1]), contentType: 'application/msgpack' },
    { source: 'a\0b' },
    { createdMs: Number.NaN },
    { createdMs: -300_000_000_000_000 },
    { createdMs: 9e15 },
  ]
  expect(issuesOf(whole, given).issues).toEqual([
    expect.stringMatching(/^its data cannot be read: .*JSON/),
    expect.stringMatching(/^its data cannot be read: .*UTF-8/),
    expect.stringMatching(/^its data cannot be read: /),
    expect.stringMatching(/^its source has .*NUL/),
    expect.stringMatching(/^its time NaN/),
    expect.stringMatching(/^its time -3/),
    expect.stringMatching(/^its time 9/),
  ])
})

it('finds data that are nested deeper than they can be written', () => {
  const deep = '['.repeat(200_000) + ']'.repeat(200_000)
  const { issues, rows } = issuesOf(fields, [raw(`{"more":${deep}}`), raw(`{"unknown":${deep}}`), raw('{"more":[]}')])
  expect(issues).toEqual([expect.stringMatching(/nested too deeply/), expect.stringMatching(/nested too deeply/), undefined])
  expect(rows).toBe(1)
})

it('leaves nothing of a row that it cannot write', () => {
  const good: Given[] = [{ data: { station: 'a' } }, { data: { station: 'b' } }]
  const mixed: Given[] = [good[0]!, raw('{"station":"fine","load":1,"on":"late in the row"}'), good[1]!]
  const [alone, among] = [issuesOf(fields, good), issuesOf(fields, mixed)]
  expect(among.bytes).toBe(alone.bytes)
  expect(among.rows).toBe(2)
})
