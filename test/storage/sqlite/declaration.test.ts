import { expect, it } from 'vitest'
import { z } from 'zod'
import { bytes } from '../../../src/envelope/schema.ts'
import { type SqliteOptions, sqlite } from '../../../src/storage/adapters/sqlite/index.ts'
import { columnNames, tableOf } from '../../../src/storage/adapters/sqlite/table.ts'
import { topic } from '../../../src/stream/topic.ts'

it('says where it stores', () => {
  expect(sqlite('./feedback.db').describe).toBe('SQLite ./feedback.db')
})

it('rolls small and often unless it is told otherwise', () => {
  expect(sqlite('a.db').roll).toEqual({ records: 10_000, bytes: 8_000_000, ageMs: 1_000 })
  expect(sqlite('a.db', { roll: { records: 5, bytes: '1kB', age: '1m' } }).roll).toEqual({ records: 5, bytes: 1_000, ageMs: 60_000 })
})

it('refuses what is no file, and options that cannot be', () => {
  for (const file of ['', ':memory:']) expect(() => sqlite(file)).toThrow(/needs a file/)
  const wrong: [SqliteOptions, RegExp][] = [
    [{ table: '' }, /table is ""/],
    [{ table: 'sqlite_rows' }, /does not begin with sqlite_/],
    [{ table: 'a\0b' }, /table is/],
    [{ roll: { records: 0 } }, /roll records is 0/],
  ]
  for (const [options, message] of wrong) expect(() => sqlite('a.db', options)).toThrow(message)
})

it('gives every field a column of its own, also where SQLite takes two names for one', () => {
  const names = ['data_id', 'source', 'created', 'parents', 'data', 'data_extra', 'station', 'Source', 'STATION', 'Station', 'date']
  const fields = names.flatMap(name => [name, `data_${name}`, `data_data_${name}`])
  const columns = columnNames(fields)
  expect(new Set(columns.map(column => column.toLowerCase())).size).toBe(fields.length)
  for (const taken of ['data_id', 'source', 'created', 'parents', 'data', 'data_extra']) expect(columns).not.toContain(taken)
  expect(columnNames(['station', 'date', 'source', 'STATION'])).toEqual([
    'station',
    'date',
    'data_source',
    expect.stringMatching(/^STATION_[0-9a-f]{8}$/),
  ])
})

it('takes the columns from what the schema declares', () => {
  const fields = z.object({ station: z.string(), load: z.number().optional(), on: z.boolean(), tags: z.array(z.string()) })
  const columns = (of: Parameters<typeof topic>[1]) => tableOf(topic('t', of), 't').columns.map(({ name, type }) => `${name} ${type}`)
  const envelope = ['data_id TEXT', 'source TEXT', 'created TEXT', 'parents TEXT']
  expect(columns(fields)).toEqual([...envelope, 'station TEXT', 'load REAL', 'on INTEGER', 'tags TEXT', 'data_extra TEXT'])
  expect(columns(z.unknown())).toEqual([...envelope, 'data TEXT'])
  expect(columns(bytes())).toEqual([...envelope, 'data BLOB'])
})
