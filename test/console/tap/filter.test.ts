import { expect, it } from 'vitest'
import { parseFilter } from '../../../src/console/tap/filter.ts'
import { MillraceError } from '../../../src/errors.ts'

const asked = { name: '--where', refuse: (what: string, fix: string) => new MillraceError('USAGE', what, { fix }) }

const datum = {
  value: { station: 'CE', megawatts: 512.5, on: true, reading: { unit: 'MW', parts: [{ id: 7 }] }, hour: '2017-01-01T05:00' },
  meta: { data_id: '0192', source: 'generator-10', key: 'CE', content_type: 'application/json' },
}
const holds = (...expressions: string[]) => parseFilter(expressions, asked)(datum)

it('compares numbers as numbers and everything else as text', () => {
  expect(holds('megawatts>99')).toBe(true)
  expect(holds('megawatts<99')).toBe(false)
  expect(holds('megawatts = 512.50')).toBe(true)
  expect(holds('station=CE')).toBe(true)
  expect(holds('station!=CE')).toBe(false)
  expect(holds('on=true')).toBe(true)
  expect(holds('hour>=2017-01-01T05')).toBe(true)
  expect(holds('hour<2017-01-01T05')).toBe(false)
})

it('compares whole numbers beyond 2^53 too, as MessagePack may hold them', () => {
  const big = { ...datum, value: { id: 2n ** 60n, all: [2n ** 60n] } }
  expect(parseFilter(['id>1', 'id<1e30', 'all~1152921504606846976'], asked)(big)).toBe(true)
  expect(parseFilter(['id<1'], asked)(big)).toBe(false)
})

it('looks inside: fields, elements, what is contained, and the envelope', () => {
  expect(holds('reading.unit=MW')).toBe(true)
  expect(holds('reading.parts[0].id=7')).toBe(true)
  expect(holds('reading~"unit":"MW"')).toBe(true)
  expect(holds('@source~generator', '@key=CE')).toBe(true)
  expect(holds('@source~generator', '@key=XX')).toBe(false)
})

it('finds nothing in a field that is not there, and nothing that every object inherits', () => {
  expect(holds('missing=1')).toBe(false)
  expect(holds('missing!=1')).toBe(true)
  expect(holds('constructor~function')).toBe(false)
  expect(parseFilter(['a=1'], asked)({ ...datum, value: 'text' })).toBe(false)
})

it('says what a condition looks like when one is none', () => {
  expect(() => parseFilter(['station'], asked)).toThrow('--where "station" is not a condition. Write it as field=value')
  expect(() => parseFilter(['@nobody=1'], asked)).toThrow('It has @data_id, @source, @key and @content_type.')
})
