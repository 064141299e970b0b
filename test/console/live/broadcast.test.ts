import type { AddressInfo } from 'node:net'
import Fastify, { type FastifyReply } from 'fastify'
import { describe, expect, onTestFinished, test } from 'vitest'
import { Broadcast } from '../../../src/console/live/broadcast.ts'
import { applyPatch } from '../../../src/console/live/merge-patch.ts'
import { MillraceError } from '../../../src/errors.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { until } from '../../servers/until.ts'
import { Listener } from './listener.ts'

const DEADLINE_MS = 10_000

/** A broadcast on a real socket. `value` is told from the next second on. */
async function broadcasting(length: number) {
  const clock = new VirtualClock()
  const replies: FastifyReply[] = []
  const errors: unknown[] = []
  const told = {
    clock,
    errors,
    made: 0,
    fail: undefined as Error | undefined,
    changes: true,
    /** Bytes that wait for a reader, in the order in which they came. */
    waiting: () => replies.map(reply => reply.raw.writableLength),
    url: '',
    /** A second passes, and everything in the value changes, where it does. */
    async second() {
      const before = told.made
      await clock.advance('1s')
      await until('a value', DEADLINE_MS, () => expect(told.made).toBeGreaterThan(before))
    },
  }
  const broadcast = new Broadcast(
    async () => {
      told.made++
      if (told.fail !== undefined) throw told.fail
      return { at: String(clock.now()), text: String(told.changes ? told.made : 0).repeat(length) }
    },
    clock,
    error => void errors.push(error),
  )
  const server = Fastify({ forceCloseConnections: true })
  server.get('/events', (_request, reply) => {
    broadcast.add(reply)
    replies.push(reply)
  })
  server.setErrorHandler((error, _request, reply) => reply.code(error instanceof MillraceError ? error.status : 500).send())
  server.addHook('preClose', async () => broadcast.close())
  await server.listen({ host: '127.0.0.1', port: 0 })
  onTestFinished(() => server.close())
  told.url = `http://127.0.0.1:${(server.server.address() as AddressInfo).port}/events`
  return told
}

describe('a broadcast', () => {
  test('passes over who does not read, which costs one change at most, and tells it all when it reads again', async () => {
    const told = await broadcasting(500_000)
    using slow = await Listener.open(told.url)
    await slow.next('overview')
    using quick = await Listener.open(told.url)
    let shown = await quick.next('overview')
    slow.stopReading()
    // The buffers of its socket take some; from then on nothing is sent to it.
    while (told.waiting()[0] === 0) {
      await told.second()
      shown = applyPatch(shown, await quick.next('change'))
    }
    const [waiting] = told.waiting()
    expect(waiting).toBeLessThan(1_100_000)
    for (let i = 0; i < 10; i++) {
      await told.second()
      shown = applyPatch(shown, await quick.next('change'))
    }
    expect(told.waiting()[0]).toBe(waiting)

    slow.readOn()
    await until('room', DEADLINE_MS, () => expect(told.waiting()[0]).toBe(0))
    slow.heard.length = 0
    await told.second()
    expect(await slow.next('overview')).toEqual(applyPatch(shown, await quick.next('change')))
  })

  test('lets go of who has taken nothing for a minute', async () => {
    const told = await broadcasting(12_000_000)
    told.changes = false
    using stuck = await Listener.open(told.url)
    stuck.stopReading()
    await until('a full socket', DEADLINE_MS, () => expect(told.waiting()[0]).toBeGreaterThan(0))
    for (let i = 0; i < 61; i++) await told.second()
    stuck.readOn()
    await until('the end', DEADLINE_MS, () => expect(stuck.ended).toBe(true))
  })

  test('says why there is nothing to tell, and begins anew when there is', async () => {
    const told = await broadcasting(1)
    using page = await Listener.open(told.url)
    await page.next('overview')
    told.fail = new MillraceError('STREAM_UNAVAILABLE', 'The broker is away.')
    await told.second()
    await told.second()
    expect(await page.next('problem')).toMatchObject({ status: 503, code: 'STREAM_UNAVAILABLE', detail: 'The broker is away.' })
    expect(told.errors).toEqual([told.fail])
    told.fail = undefined
    await told.second()
    expect(await page.next('overview')).toEqual({ at: String(told.clock.now()), text: String(told.made) })
  })

  test('takes so many readers, says so to the next, and has room again when one has gone', async () => {
    const told = await broadcasting(1)
    const readers = await Promise.all(Array.from({ length: 64 }, () => Listener.open(told.url)))
    using refused = await Listener.open(told.url)
    expect(refused.status).toBe(503)
    readers.pop()![Symbol.dispose]()
    await until('room', DEADLINE_MS, async () => {
      using late = await Listener.open(told.url)
      expect(late.status).toBe(200)
    })
    for (const reader of readers) reader[Symbol.dispose]()
  })
})
