import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { formatId, mint, mintInto, suppliedId } from '../../../src/envelope/data-id.ts'
import { eventually } from '../../../src/testing/framework.ts'
import type { Sample } from '../../../src/testing/suite-data.ts'
import { AGAIN, COPY, DEAD, DONE, FRESH, OTHER_SOURCE, SAME_SOURCE } from '../../../src/trace/trace.ts'
import { type RedisServer, startRedis } from '../../servers/redis.ts'
import { AT_MS, claim, FORECAST, foreigner, idOf, marks, placed, scene } from './scene.ts'

const DAY_MS = 86_400_000
/** Between what was set and what is left when it is asked for. */
const SLACK_MS = 60_000

let server: RedisServer
beforeAll(async () => {
  server = await startRedis()
})
afterAll(() => server.kill())

describe('the readable layout', () => {
  it('is a hash for each datum, which says in text what is known', async () => {
    await using here = await scene(server.port)
    await using other = await foreigner(server.port)
    const parents = mint(1)
    const data = placed([{ text: 'x', source: 'meter-7', parents: [parents] }], 41)
    const key = `${here.prefix}${idOf(data)}`
    await here.trace.claim(FORECAST, data, 41, AT_MS - 7)
    expect({ ...(await other.hGetAll(key)) }).toEqual({
      at: `demand/0/41 ${AT_MS}`,
      created: '1483228800000',
      source: 'meter-7',
      parents,
      'forecast@2': `${AT_MS - 7}`,
    })
    await here.trace.mark(FORECAST, marks(data, { claimedMs: AT_MS - 7, attempts: [{ offset: 41, attempts: 3 }] }))
    expect(await other.hGet(key, 'forecast@2')).toBe(`${AT_MS - 7} ${AT_MS + 5} done attempts=3`)
  })

  it('lets an agent in any language take part with two commands', async () => {
    await using here = await scene(server.port)
    await using other = await foreigner(server.port)
    const data = placed(['a', 'b', 'c', 'd'], 5)
    const key = (index: number) => `${here.prefix}${idOf(data, index)}`
    const mood = { name: 'mood', version: 1 }
    await other.hSet(key(0), { created: '2026-11-25T08:00:00Z', 'mood@1': '2026-11-25T08:00:01Z' })
    await other.hSet(key(1), { 'mood@1': '1795593601000 1795593602000 done' })
    await other.hSet(key(2), { 'mood@1': '1795593601000 1795593602000 dead reason=no model' })
    await here.trace.claim(FORECAST, data, 5, AT_MS)
    await other.hSet(key(3), { 'mood@1': '1795593601000 1795593602000 done' })
    expect([...(await here.trace.claim(mood, data, 5, AT_MS))]).toEqual([AGAIN, DONE, DEAD, DONE])
    const elsewhere = { ...data, topic: 'supply' }
    expect([...(await here.trace.claim(mood, elsewhere, 5, AT_MS))]).toEqual([AGAIN, COPY, COPY, COPY])
    const record = await here.trace.find(idOf(data, 2))
    expect(record?.marks.find(mark => mark.name === 'mood')).toMatchObject({
      ...{ version: 1, topic: 'demand', partition: 0, offset: 5 + 2, state: 'dead', reason: 'no model' },
      ...{ claimedMs: 1_795_593_601_000, finishedMs: 1_795_593_602_000 },
    })
  })

  it('finds what only a foreign agent has written', async () => {
    await using here = await scene(server.port)
    await using other = await foreigner(server.port)
    const id = mint(Date.now())
    await other.hSet(`${here.prefix}${id}`, { created: '2026-11-25T08:00:00Z', 'mood@1': '2026-11-25T08:00:01.250Z' })
    const at = { topic: 'demand', partition: 3, offset: 9 }
    expect(await here.trace.find(id, at)).toMatchObject({
      ...{ createdMs: Date.UTC(2026, 10, 25, 8), source: '', positions: [], parents: [] },
      marks: [{ name: 'mood', version: 1, state: 'claimed', claimedMs: Date.UTC(2026, 10, 25, 8, 0, 1, 250), ...at }],
    })
  })

  it('keeps each kind of key for its time', async () => {
    await using here = await scene(server.port, { ttlMs: DAY_MS, idTtlMs: 7 * DAY_MS })
    await using other = await foreigner(server.port)
    const data = placed([{ text: 'x', supplied: true }, 'y'])
    const left = async (key: string) => Number(await other.pTTL(key))
    const within = (ms: number, ttlMs: number) => expect(ms > ttlMs - SLACK_MS && ms <= ttlMs, `${ms} of ${ttlMs}`).toBe(true)
    await here.trace.note(data)
    within(await left(`${here.prefix}${idOf(data)}`), DAY_MS)
    within(await left(`${here.prefix}id:${idOf(data)}`), 7 * DAY_MS)
    await other.pExpire(`${here.prefix}${idOf(data)}`, 1_000_000)
    const claimed = placed(['claimed alone'])
    await claim(here.trace, claimed)
    within(await left(`${here.prefix}${idOf(claimed)}`), DAY_MS)
    const marked = placed(['marked alone'])
    await here.trace.mark(FORECAST, marks(marked))
    within(await left(`${here.prefix}${idOf(marked)}`), DAY_MS)
    const outputs = [{ topic: 'prediction', partition: 1, first: 10, end: 12 }]
    await here.trace.mark(FORECAST, marks(data, { outputs }))
    within(await left(`${here.prefix}${idOf(data)}`), DAY_MS)
    for (const key of await other.keys(`${here.prefix}unit:*`)) within(await left(key), DAY_MS)
    await here.trace.cache.begin('average', [], true)
    expect(await left(`${here.prefix}cache:average`), 'A cache has no end.').toBe(-1)
  })

  it('forgets a datum before it forgets whose its id was', async () => {
    await using here = await scene(server.port, { ttlMs: 50 })
    const data = placed([{ text: 'x', supplied: true, source: 'meter-7' }])
    await here.trace.note(data)
    await eventually('the datum is forgotten', async () => (await here.trace.find(idOf(data))) === undefined || undefined)
    expect([...(await here.trace.known(data.frames, 1))]).toEqual([SAME_SOURCE])
    const taken = placed([{ text: 'x', id: idOf(data), supplied: true, source: 'meter-8' }])
    expect([...(await here.trace.known(taken.frames, 1))]).toEqual([OTHER_SOURCE])
  })

  it('keeps the outputs of a unit of work once, and tells them of each datum', async () => {
    await using here = await scene(server.port)
    await using other = await foreigner(server.port)
    const data = placed(50)
    const outputs = [
      { topic: 'prediction', partition: 1, first: 10, end: 40 },
      { topic: 'alarm', partition: 0, first: 3, end: 4 },
    ]
    await here.trace.mark(FORECAST, marks(data, { outputs }))
    expect((await other.keys(`${here.prefix}unit:*`)).length).toBe(1)
    for (const index of [0, 49]) expect((await here.trace.find(idOf(data, index)))?.marks[0]?.outputs).toEqual(outputs)
  })

  it('remembers where a mark was made, where that is not the datum’s first position', async () => {
    await using here = await scene(server.port)
    const first = placed(['x'], 3)
    const copy = { ...first, first: 90 }
    await here.trace.claim(FORECAST, first, 3, AT_MS)
    await here.trace.claim({ name: 'other', version: 1 }, copy, 90, AT_MS)
    await here.trace.mark(FORECAST, marks(copy))
    expect(await claim(here.trace, copy)).toEqual([DONE])
    expect(await claim(here.trace, first)).toEqual([COPY])
    const record = await here.trace.find(idOf(first))
    expect(record?.positions.map(at => at.offset)).toEqual([3, 90])
    expect(record?.marks.find(mark => mark.name === 'forecast')?.offset).toBe(90)
  })

  it('stays small: in one piece in usual cases, and bounded where one id is sent without end or a reason is long', async () => {
    await using here = await scene(server.port)
    await using other = await foreigner(server.port)
    const data = placed(['x'])
    const key = `${here.prefix}${idOf(data)}`
    const outputs = [{ topic: 'prediction', partition: 1, first: 10, end: 40 }]
    await here.trace.claim(FORECAST, data, 0, AT_MS)
    await here.trace.mark(FORECAST, marks(data, { outputs, attempts: [{ offset: 0, attempts: 2 }] }))
    expect(await other.sendCommand(['OBJECT', 'ENCODING', key])).toBe('listpack')
    for (let i = 1; i <= 200; i++) await here.trace.note({ ...data, first: i })
    const reason = `Error: ${'long '.repeat(10_000)}`
    await here.trace.mark({ name: 'mood', version: 1 }, marks(data, { dead: [{ offset: 0, reason }] }))
    const bytes = Number(await other.sendCommand(['MEMORY', 'USAGE', key]))
    expect(bytes).toBeLessThan(3_000)
  })
})

describe('the packed layout', () => {
  it('is claimed and marked in one call for each 500 data, as the readable one is', async () => {
    await using other = await foreigner(server.port)
    const calls = async (work: () => Promise<unknown>) => {
      await other.sendCommand(['CONFIG', 'RESETSTAT'])
      await work()
      const stats = await other.info('commandstats')
      return ['eval', 'evalsha'].map(name => Number(new RegExp(`^cmdstat_${name}:calls=(\\d+).*failed_calls=0`, 'm').exec(stats)?.[1] ?? 0))
    }
    for (const layout of ['readable', 'packed'] as const) {
      await using here = await scene(server.port, { layout })
      const warm = placed(1)
      await claim(here.trace, warm)
      await here.trace.mark(FORECAST, marks(warm))
      const data = placed(Array.from({ length: 1200 }, (): Sample => ({ text: 'x', id: mint(AT_MS) })))
      // Buckets are not cut for it, so packed calls are a little less than full.
      const [, claims] = await calls(() => claim(here.trace, data))
      const [, marked] = await calls(() => here.trace.mark(FORECAST, marks(data)))
      expect([claims, marked], layout).toEqual([3, 3])
    }
  })

  it('keeps the states of many data in few small hashes, in about 25 bytes a claim', async () => {
    await using own = await startRedis()
    await using here = await scene(own.port, { layout: 'packed', prefix: 'p:' })
    await using other = await foreigner(own.port)
    const memory = async () => Number(/^used_memory:(\d+)/m.exec(await other.info('memory'))?.[1])
    const count = 40_000
    // 10,000 data a second.
    const samples: Sample[] = Array.from({ length: count }, (_, i) => ({ text: 'x', id: mint(AT_MS + i / 10) }))
    const batches = Array.from({ length: 20 }, (_, i) => placed(samples.slice(i * 2000, (i + 1) * 2000), i * 2000))
    await claim(here.trace, batches[0]!)
    const before = await memory()
    for (const of of batches.slice(1)) expect(new Set(await claim(here.trace, of))).toEqual(new Set([FRESH]))
    expect(((await memory()) - before) / (count - 2000)).toBeLessThan(35)
    for (const of of batches) await here.trace.mark(FORECAST, marks(of))
    expect(((await memory()) - before) / (count - 2000)).toBeLessThan(45)
    const buckets = await other.keys('p:p:forecast*')
    expect(buckets.length).toBeLessThan(count / 25)
    for (const key of buckets.slice(0, 50)) {
      expect(await other.sendCommand(['OBJECT', 'ENCODING', key])).toBe('listpack')
      expect(Number(await other.pTTL(key))).toBeGreaterThan(DAY_MS - SLACK_MS)
    }
  })

  it('puts ids that hold no time into the readable one, among the others', async () => {
    await using here = await scene(server.port, { layout: 'packed' })
    await using other = await foreigner(server.port)
    const early = Buffer.alloc(16)
    mintInto(early, 0, 1000)
    const timeless = [randomUUID(), formatId(early, 0), formatId(suppliedId('meter-7', 'x1'), 0)]
    const data = placed(['a', { text: 'b', id: timeless[0]! }, { text: 'c', id: timeless[1]! }, { text: 'd', id: timeless[2]! }, 'e'], 7)
    expect(await claim(here.trace, data)).toEqual(Array(5).fill(FRESH))
    await here.trace.mark(
      FORECAST,
      marks(data, {
        dead: [
          { offset: 8, reason: 'no model' },
          { offset: 10, reason: 'none' },
        ],
      }),
    )
    expect(await claim(here.trace, data)).toEqual([DONE, DEAD, DONE, DEAD, DONE])
    expect(await other.hGet(`${here.prefix}${timeless[0]}`, 'forecast@2')).toMatch(/ dead reason=no model$/)
    for (const id of timeless) expect(await other.exists(`${here.prefix}${id}`), id).toBe(1)
    for (const index of [0, 4]) expect(await other.exists(`${here.prefix}${idOf(data, index)}`)).toBe(0)
    expect((await here.trace.find(timeless[0]!))?.marks).toMatchObject([{ state: 'dead', offset: 8, reason: 'no model' }])
    expect(await here.trace.find(mint(AT_MS))).toBeUndefined()
  })

  it('tells the position of a mark to who knows it, and to nobody else', async () => {
    await using here = await scene(server.port, { layout: 'packed' })
    const data = placed(['x'], 7)
    await here.trace.mark(FORECAST, marks(data))
    const at = { topic: 'demand', partition: 0, offset: 7 }
    expect((await here.trace.find(idOf(data), at))?.marks).toMatchObject([{ state: 'done', ...at }])
    const nowhere = { topic: '', partition: -1, offset: -1 }
    expect((await here.trace.find(idOf(data), { ...at, offset: 8 }))?.marks).toMatchObject([{ state: 'done', ...nowhere }])
  })

  it('is right also about an id of long ago, a burst in one instant, and a clock that stands at nought', async () => {
    await using here = await scene(server.port, { layout: 'packed' })
    const burst = placed(Array.from({ length: 5000 }, (): Sample => ({ text: 'x', id: mint(AT_MS) })))
    expect([...(await here.trace.claim(FORECAST, burst, 0, 0))]).toEqual(Array(5000).fill(FRESH))
    expect(new Set(await claim(here.trace, burst))).toEqual(new Set([AGAIN]))
    await here.trace.mark(FORECAST, marks(burst, { claimedMs: 0, finishedMs: 0 }))
    expect(new Set(await claim(here.trace, burst))).toEqual(new Set([DONE]))
    expect((await here.trace.find(idOf(burst, 4999)))?.marks).toMatchObject([{ state: 'done', claimedMs: 0, finishedMs: 0 }])
  })
})
