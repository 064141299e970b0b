import { expect, test } from 'vitest'
import { z } from 'zod'
import { Outputs, type Staged } from '../../src/agents/outputs.ts'
import { formatId, mint, parseId } from '../../src/envelope/data-id.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import { agent, bytes, cache, out, topic } from '../../src/index.ts'

const from = topic('from', z.unknown())
const alert = topic('alert', z.object({ station: z.string(), level: z.enum(['warn', 'page']) }), { key: d => d.station, partitions: 8 })
const frames = topic('frames', bytes(), { partitions: 1 })
const latest = cache('latest', z.object({ station: z.string(), mean: z.number() }), { key: v => v.station })

const one = agent('one', { version: 3, from, to: alert }, () => undefined)
const several = agent('several', { version: 1, from, to: [alert, frames, latest] }, () => undefined)
const cause = () => {
  const id = parseId(mint(1_000))
  return { id, idAt: 0, parents: id, supplied: false, appendedMs: 0 }
}
const staged = (outputs: Outputs, result: unknown): readonly Staged[] => {
  const done = outputs.stage(result)
  if (done instanceof Promise) throw new TypeError('It should not wait here.')
  return done
}
const warn = (station: string) => ({ station, level: 'warn' })

test('what is returned may be nothing, one, an array, a generator', () => {
  const outputs = new Outputs(one, 3)
  expect(staged(outputs, undefined)).toEqual([])
  expect(staged(outputs, null)).toEqual([])
  expect(staged(outputs, warn('a'))).toHaveLength(1)
  expect(staged(outputs, [warn('a'), warn('b')])).toHaveLength(2)
  const generated = (function* () {
    yield warn('a')
    yield warn('b')
    yield warn('c')
  })()
  expect(staged(outputs, generated)).toHaveLength(3)
})

test('an output is framed with its key, its parents and its source, and the same run gives the same ids', () => {
  const because = cause()
  const run = () => {
    const outputs = new Outputs(one, 3)
    outputs.write(staged(outputs, [warn('a'), warn('a')]), because, 5_000, () => {})
    return outputs.take()
  }
  const [batch] = run()
  const cursor = new FrameCursor(batch!.frames, batch!.ascii)
  const ids = new Set<string>()
  while (cursor.next()) {
    ids.add(cursor.dataId)
    expect([cursor.key, cursor.source, cursor.dataText]).toEqual(['a', 'one@3', '{"station":"a","level":"warn"}'])
    expect(cursor.envelope('alert').parents).toEqual([formatId(because.id, 0)])
  }
  expect([batch!.count, ids.size]).toEqual([2, 2])
  expect(run()[0]!.frames).toEqual(batch!.frames)
  const otherEdition = new Outputs(one, 2)
  otherEdition.write(staged(otherEdition, warn('a')), because, 5_000, () => {})
  const other = new FrameCursor(otherEdition.take()[0]!.frames)
  other.next()
  expect(ids.has(other.dataId)).toBe(false)
})

test('an output with a cause and parents of its own has them in place of the datum’s, whatever else is put out with it', () => {
  const [first, second, because] = [parseId(mint(2_000)), parseId(mint(3_000)), cause()]
  const of = (own: Uint8Array) => ({ target: 0, key: 'a', data: '{}', cause: own, parents: Buffer.concat([own, because.id]) })
  const framed = (outputs: readonly Staged[]) => {
    const writer = new Outputs(one, 3)
    writer.write(outputs, because, 5_000, () => {})
    const cursor = new FrameCursor(writer.take()[0]!.frames)
    const found: { id: string; parents: readonly string[] | undefined }[] = []
    while (cursor.next()) found.push({ id: cursor.dataId, parents: cursor.envelope('alert').parents })
    return found
  }
  const mixed = framed([of(first), of(second), { target: 0, key: 'a', data: '{}' }, of(first)])
  const [own] = framed([{ target: 0, key: 'a', data: '{}' }])
  expect(mixed.map(({ id }) => id)).toEqual(
    [...framed([of(first)]), ...framed([of(second)]), own!, framed([of(first), of(first)])[1]].map(o => o!.id),
  )
  expect(mixed.map(({ parents }) => parents)).toEqual([
    [formatId(first, 0), formatId(because.id, 0)],
    [formatId(second, 0), formatId(because.id, 0)],
    [formatId(because.id, 0)],
    [formatId(first, 0), formatId(because.id, 0)],
  ])
  expect(new Set(mixed.map(({ id }) => id)).size).toBe(4)
})

test('addressed outputs go each to its target; bytes go raw, and a cache gets JSON', () => {
  const outputs = new Outputs(several, 1)
  const cached: unknown[] = []
  const result = [out(alert, { station: 'a', level: 'page' }), out(frames, Buffer.from([1, 200])), out(latest, { station: 'a', mean: 2 })]
  outputs.write(staged(outputs, result), cause(), 1, (to, key, value) => cached.push([to.name, key, value]))
  const batches = outputs.take()
  expect(batches.map(batch => batch.topic)).toEqual(['alert', 'frames'])
  const cursor = new FrameCursor(batches[1]!.frames)
  cursor.next()
  expect([cursor.contentType, [...cursor.data]]).toEqual(['application/octet-stream', [1, 200]])
  expect(cached).toEqual([['latest', 'a', '{"station":"a","mean":2}']])
})

test.each([
  ['a wrong property', one, [warn('a'), { station: 'a', level: 'war' }], "Output 2 does not match topic 'alert': level:"],
  ['an output of an agent without targets', agent('none', { version: 1, from }, () => undefined), 7, 'declares no target'],
  ['one that is not addressed', several, warn('a'), 'not addressed'],
  ['one that is addressed elsewhere', several, { to: from, value: 1 }, 'not addressed'],
  ['a key that is too long', one, warn('k'.repeat(2_000)), 'its key has 2000 bytes'],
])('%s is OUTPUT_INVALID and says where', (_, declared, result, says) => {
  const outputs = new Outputs(declared, 1)
  expect(() => outputs.stage(result)).toThrow(expect.objectContaining({ code: 'OUTPUT_INVALID', message: expect.stringContaining(says) }))
})

test('what JSON cannot hold is OUTPUT_INVALID', () => {
  const anything = agent('any', { version: 1, from, to: topic('anything', z.any()) }, () => undefined)
  const outputs = new Outputs(anything, 1)
  const circle: { self?: unknown } = {}
  circle.self = circle
  expect(() => outputs.stage(circle)).toThrow(/cannot be written as JSON/)
  expect(() => outputs.stage([1n])).toThrow(/cannot be written as JSON/)
  expect(() => outputs.stage([Symbol('x')])).toThrow(/cannot be written as JSON/)
})

test('a generator without an end does not take the memory', () => {
  const outputs = new Outputs(one, 1)
  const endless = (function* () {
    for (;;) yield warn('a')
  })()
  expect(() => outputs.stage(endless)).toThrow(/more than 100000 outputs/)
})

test('an asynchronous schema is waited for', async () => {
  const slow = topic(
    'slow',
    z.number().refine(async n => n < 10),
  )
  const outputs = new Outputs(
    agent('a', { version: 1, from, to: slow }, () => undefined),
    1,
  )
  await expect(outputs.stage([1, 2])).resolves.toHaveLength(2)
  await expect(outputs.stage([1, 20])).rejects.toMatchObject({ code: 'OUTPUT_INVALID' })
})
