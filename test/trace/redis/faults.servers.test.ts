import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually } from '../../../src/testing/framework.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { AGAIN, DONE, FRESH, type SharedTrace } from '../../../src/trace/trace.ts'
import { freePort } from '../../servers/port.ts'
import { type RedisServer, startRedis } from '../../servers/redis.ts'
import { startToxiproxy, type Toxiproxy, type Proxy as Way } from '../../servers/toxiproxy.ts'
import { claim, FORECAST, foreigner, idOf, marks, placed, scene, wayTo } from './scene.ts'

/** Short, so that what never answers is found out soon; long enough for a server that is busy with its start. */
const TIMEOUT_MS = 1_000

let server: RedisServer
let toxiproxy: Toxiproxy
beforeAll(async () => {
  server = await startRedis()
  toxiproxy = await startToxiproxy()
})
afterAll(async () => {
  await toxiproxy.kill()
  await server.kill()
})

/** Until the trace answers again. */
const recovered = (trace: SharedTrace) =>
  eventually('the trace answers again', async () => {
    try {
      return await trace.claim(FORECAST, placed(1), 0, Date.now())
    } catch (error) {
      expect(error).toMatchObject({ code: 'TRACE_UNAVAILABLE', retryable: true })
      return undefined
    }
  })

describe('everything lost between claim and mark', () => {
  it('is claimed as fresh again, and marks land all the same', async () => {
    await using here = await scene(server.port)
    await using other = await foreigner(server.port)
    const data = placed(3)
    expect(await claim(here.trace, data)).toEqual([FRESH, FRESH, FRESH])
    await other.flushAll()
    expect(await claim(here.trace, data)).toEqual([FRESH, FRESH, FRESH])
    await other.flushAll()
    await here.trace.mark(FORECAST, marks(data))
    expect(await claim(here.trace, data)).toEqual([DONE, DONE, DONE])
  })

  it('takes the scripts with it, which are sent again', async () => {
    await using here = await scene(server.port)
    await using other = await foreigner(server.port)
    const data = placed(1)
    await claim(here.trace, data)
    await other.sendCommand(['SCRIPT', 'FLUSH'])
    expect(await claim(here.trace, data)).toEqual([AGAIN])
  })

  it('leaves no cache that looks whole: it says that it was lost, also in the middle of being filled', async () => {
    await using here = await scene(server.port)
    await using other = await foreigner(server.port)
    const write = (key: string) => [{ key, value: '1', topic: 'demand', partition: 0, offset: 1, updatedMs: 1 }]
    const { cache } = here.trace
    await cache.begin('average', write('north'), true)
    const before = (await cache.view('average'))!.revision
    await other.flushAll()
    expect(await cache.write('average', write('north'))).toBe(false)
    expect(await cache.view('average')).toBeUndefined()
    expect(await cache.entry('average', 'north')).toBeUndefined()
    await cache.begin('average', write('north'), false)
    await other.flushAll()
    await refused('going on with a fill whose beginning was lost', 'TRACE_UNAVAILABLE', () => cache.begin('average', write('south'), true))
    expect(await cache.view('average')).toBeUndefined()
    await cache.begin('average', write('north'), true)
    const after = (await cache.view('average'))!
    expect(after.entries.map(entry => entry.key)).toEqual(['north'])
    expect(after.revision, 'A reader with the old entity tag must not take the new value for the old.').toBeGreaterThan(before)
  })
})

describe('a server that is killed', () => {
  it('is away while it is down, at once for each call, and there again after its start', async () => {
    await using own = await startRedis()
    await using here = await scene(own.port, { timeoutMs: TIMEOUT_MS })
    const data = placed(2)
    await claim(here.trace, data)
    await own.kill()
    const calls = await Promise.allSettled(Array.from({ length: 5000 }, () => here.trace.find(idOf(data))))
    for (const call of calls) {
      expect(call).toMatchObject({ reason: { code: 'TRACE_UNAVAILABLE' } })
      // That would be a call which was queued for a server that is away, until its time was up.
      expect(call).not.toMatchObject({ reason: { message: expect.stringContaining('did not answer') } })
    }
    await own.restart()
    await recovered(here.trace)
    expect(await claim(here.trace, data)).toEqual([FRESH, FRESH])
    await here.trace.mark(FORECAST, marks(data))
    expect(await claim(here.trace, data)).toEqual([DONE, DONE])
  })
})

describe('the way to the server', () => {
  const disturbed = (name: string, disturb: (proxy: Way) => Promise<void>, undo: (proxy: Way) => Promise<void>) =>
    it(name, async () => {
      const proxy = await toxiproxy.proxy(`127.0.0.1:${server.port}`)
      await using here = await scene(proxy.port, { timeoutMs: TIMEOUT_MS })
      const data = placed(1)
      await claim(here.trace, data)
      await disturb(proxy)
      for (let i = 0; i < 3; i++) await refused('a claim', 'TRACE_UNAVAILABLE', () => claim(here.trace, data))
      await undo(proxy)
      await recovered(here.trace)
      expect(await claim(here.trace, data)).toEqual([AGAIN])
    })

  disturbed(
    'is cut: calls fail, and succeed again once it is mended',
    p => p.cut(),
    p => p.mend(),
  )
  disturbed(
    'lets nothing through and says nothing: calls end all the same, and succeed again',
    p => p.hang(),
    p => p.mend(),
  )
  disturbed(
    'takes longer than a call may: calls fail in time, and succeed again once it is fast',
    p => p.latency(5_000),
    p => p.latency(0),
  )
})

describe('a connection that died without a word', () => {
  it('is given up after a call’s time and made anew', async () => {
    await using way = await wayTo(server.port)
    await using here = await scene(way.port, { timeoutMs: TIMEOUT_MS })
    await claim(here.trace, placed(1))
    way.freeze()
    await refused('a claim', 'TRACE_UNAVAILABLE', () => claim(here.trace, placed(1)))
    await recovered(here.trace)
  })
})

describe('a server that cannot take more', () => {
  it('full: says so, and what to do; marks land once there is room', async () => {
    await using own = await startRedis()
    await using other = await foreigner(own.port)
    await using here = await scene(own.port)
    const data = placed(10)
    await other.configSet('maxmemory', '1')
    const error = await refused('a mark', 'TRACE_UNAVAILABLE', () => here.trace.mark(FORECAST, marks(data)))
    expect(error.fix).toMatch(/maxmemory/)
    await other.configSet('maxmemory', '0')
    await here.trace.mark(FORECAST, marks(data))
    expect(await claim(here.trace, data)).toEqual(Array(10).fill(DONE))
  })

  it('a replica: says so, and finds the master once it is one', async () => {
    await using own = await startRedis()
    await using other = await foreigner(own.port)
    await using here = await scene(own.port)
    await other.sendCommand(['REPLICAOF', '127.0.0.1', `${server.port}`])
    const error = await eventually('it is a replica whose data have come', async () => {
      const error = await refused('a claim', 'TRACE_UNAVAILABLE', () => claim(here.trace, placed(1)))
      return /READONLY/.test(error.message) ? error : undefined
    })
    expect(error.fix).toMatch(/sentinel/)
    await other.sendCommand(['REPLICAOF', 'NO', 'ONE'])
    await recovered(here.trace)
  })
})

describe('opening', () => {
  it('where nothing listens is TRACE_UNAVAILABLE', async () => {
    const port = await freePort()
    const error = await refused('opening', 'TRACE_UNAVAILABLE', () => scene(port))
    expect(error.message).toContain(`127.0.0.1:${port}`)
  })

  it('where something takes the connection and never answers is TRACE_UNAVAILABLE', async () => {
    await using way = await wayTo(server.port)
    way.freezeAll()
    await refused('opening', 'TRACE_UNAVAILABLE', () => scene(way.port, { timeoutMs: 300 }))
  })
})
