import * as v from 'valibot'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { bytes, type StandardSchemaV1, validate } from '../../src/envelope/schema.ts'

const issuesOf = async (schema: StandardSchemaV1, value: unknown) => (await validate(schema, value)).issues

describe('validation', () => {
  const wrong = { readings: [{ megawatts: 1 }, { megawatts: 'two' }], station: { 'a b': 3 } }

  it('names the field that is wrong, in Zod’s words', async () => {
    const schema = z.object({ readings: z.array(z.object({ megawatts: z.number() })), station: z.object({ 'a b': z.string() }) })
    expect((await issuesOf(schema, wrong))?.map(issue => issue.path)).toEqual(['readings[1].megawatts', 'station.a b'])
  })

  it('and in Valibot’s, whose path is made of objects', async () => {
    const schema = v.object({ readings: v.array(v.object({ megawatts: v.number() })), station: v.object({ 'a b': v.string() }) })
    const issues = await issuesOf(schema, wrong)
    expect(issues?.map(issue => issue.path)).toEqual(['readings[1].megawatts', 'station.a b'])
    expect(issues?.[0]?.message).toMatch(/number/)
  })

  it('the whole datum has an empty path, a list at the top an index', async () => {
    expect((await issuesOf(z.object({}), 7))?.[0]?.path).toBe('')
    expect((await issuesOf(z.array(z.number()), [1, 'x']))?.[0]?.path).toBe('[1]')
  })

  it('tells no more than people read, however much is wrong', async () => {
    const many = await issuesOf(z.array(z.number()), new Array(100_000).fill('x'))
    expect(many).toHaveLength(21)
    expect(many?.at(-1)).toEqual({ path: '', message: 'and 99980 more' })
    const name = 'x'.repeat(100_000)
    const [long] = (await issuesOf(z.record(z.string(), z.number()), { [name]: 'x' })) ?? []
    expect(long?.path).toHaveLength(500)
    const [unknown] = (await issuesOf(z.strictObject({}), { [name]: 1 })) ?? []
    expect(unknown?.message).toHaveLength(500)
  })

  it('gives the schema’s output, at once where the schema is not asynchronous', () => {
    const schema = z.object({ at: z.string().transform(text => new Date(text)) })
    expect(validate(schema, { at: '2017-01-01T00:00:00Z' })).toEqual({ value: { at: new Date('2017-01-01T00:00:00Z') } })
  })

  it('waits for a schema that is', async () => {
    const schema = z.object({ n: z.number().refine(async n => n > 1, 'too small') })
    expect(await validate(schema, { n: 1 })).toEqual({ issues: [{ path: 'n', message: 'too small' }] })
    expect(await validate(schema, { n: 2 })).toEqual({ value: { n: 2 } })
  })
})

describe('bytes()', () => {
  it('takes bytes and says what it was given otherwise', async () => {
    expect(validate(bytes(), Buffer.from('x'))).toEqual({ value: Buffer.from('x') })
    for (const [value, name] of [
      [null, 'null'],
      ['x', 'string'],
      [{}, 'object'],
    ] as const)
      expect((await issuesOf(bytes(), value))?.[0]?.message).toBe(`Expected bytes, received ${name}`)
  })
})
