import { expect, it } from 'vitest'
import { z } from 'zod'
import { bytes } from '../../../src/envelope/schema.ts'
import { fitted, isIdentifier, tableName } from '../../../src/storage/adapters/postgres/identifier.ts'
import { columnOf, tableOf } from '../../../src/storage/adapters/postgres/table.ts'
import { quoted } from '../../../src/storage/rows/names.ts'
import { topic } from '../../../src/stream/topic.ts'

it('names a table as SQL takes it without quotes', () => {
  expect(['demand-prediction', 'Grid.Loads', 'readings', '2fast'].map(tableName)).toEqual([
    'demand_prediction',
    'grid_loads',
    'readings',
    '2fast',
  ])
})

it('cuts a name that PostgreSQL would cut, so that two which begin alike stay two', () => {
  const [one, other] = ['a', 'b'].map(end => tableName('x'.repeat(80) + end)) as [string, string]
  expect(Buffer.byteLength(one)).toBe(63)
  expect(one).not.toBe(other)
  const cut = fitted('ü'.repeat(40))
  expect(Buffer.byteLength(cut)).toBeLessThanOrEqual(63)
  expect(cut).toMatch(/^ü+_[0-9a-f]{8}$/)
})

it('quotes whatever a name has in it', () => {
  expect(quoted('a"; DROP TABLE b; --')).toBe('"a""; DROP TABLE b; --"')
})

it('knows what no table can be named', () => {
  expect(['', 'a\0b', 'x'.repeat(64), '\ud800', 5].map(isIdentifier)).toEqual([false, false, false, false, false])
  expect(isIdentifier('ü'.repeat(31))).toBe(true)
})

it('gives every field a column of its own', () => {
  const names = [
    'data_id',
    'source',
    'created',
    'parents',
    'data',
    'data_extra',
    'ctid',
    'xmin',
    'station',
    'Source',
    'date',
    'key',
    'extra',
  ]
  const fields = names.flatMap(name => [name, `data_${name}`, `data_data_${name}`])
  const columns = new Set(fields.map(columnOf))
  expect(columns.size).toBe(new Set(fields).size)
  for (const taken of ['data_id', 'source', 'created', 'parents', 'data', 'data_extra', 'ctid', 'xmin', 'Source'])
    expect(columns).not.toContain(taken)
  expect(['station', 'date', 'key', 'source'].map(columnOf)).toEqual(['station', 'date', 'key', 'data_source'])
})

it('takes the columns from what the schema declares', () => {
  const fields = z.object({
    station: z.string(),
    load: z.number().optional(),
    on: z.boolean(),
    tags: z.array(z.string()),
    source: z.string(),
  })
  const columns = (of: Parameters<typeof topic>[1]) =>
    tableOf(topic('t', of), 'public', 't').columns.map(({ name, type }) => `${name} ${type}`)
  const envelope = ['data_id uuid', 'source text', 'created timestamp with time zone', 'parents uuid[]']
  expect(columns(fields)).toEqual([
    ...envelope,
    'station text',
    'load double precision',
    'on boolean',
    'tags jsonb',
    'data_source text',
    'data_extra jsonb',
  ])
  expect(columns(z.unknown())).toEqual([...envelope, 'data jsonb'])
  expect(columns(bytes())).toEqual([...envelope, 'data bytea'])
})
