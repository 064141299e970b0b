import { expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/clock.ts'
import { pipeline, topic } from '../../src/index.ts'
import type { Appended } from '../../src/stream/stream.ts'
import { demand, grid, open, until } from './door.ts'

const READING = '{"station":"a","megawatts":1}'
const request = (path: string) => `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${READING.length}\r\n\r\n${READING}`

test('a reload brings new topics and schemas without dropping a connection, and what is in hand keeps the old ones', async () => {
  await using door = await open()
  const wind = topic('wind', z.unknown())
  const stricter = topic('demand', z.object({ station: z.string(), megawatts: z.number().min(5) }))
  await door.engine.ensure([wind.spec])
  const raw = door.connect().send(request('/v1/topics/demand'))
  expect(await raw.answer()).toMatch(/^HTTP\/1\.1 202 /)
  const half = door.connect().send(request('/v1/topics/demand').slice(0, -5))
  const note = JSON.stringify({ type: 'notes', data: btoa('{}') })
  const type = 'content-type: application/vnd.millrace.envelope+json'
  const envelope = door.connect()
  envelope.send(`POST /v1/data HTTP/1.1\r\nhost: localhost\r\n${type}\r\ncontent-length: ${note.length}\r\n\r\n${note.slice(0, -5)}`)
  await until(() => door.front.health().inFlightRequests === 2)
  door.front.use(pipeline('grid', { agents: [], topics: [stricter, wind] }))
  expect(await half.send(READING.slice(-5)).answer()).toMatch(/^HTTP\/1\.1 202 /)
  expect(await envelope.send(note.slice(-5)).answer()).toMatch(/^HTTP\/1\.1 202 /)
  expect((await door.post('/v1/topics/demand', READING)).status).toBe(422)
  expect((await door.post('/v1/topics/wind', '1')).status).toBe(202)
  expect((await door.post('/v1/topics/notes', '{}')).status).toBe(404)
  expect(raw.socket.readyState).toBe('open')
})

test('closing answers what is in hand, ends waiting connections, and takes no more', async () => {
  const waiting: (() => void)[] = []
  const stream = {
    append: (batches: readonly { count: number }[]) =>
      new Promise<Appended[]>(resolve => {
        waiting.push(() => resolve(batches.map(({ count }) => ({ first: 0, count, duplicates: [], taken: [] }))))
      }),
  }
  const waits: number[] = []
  const clock = {
    ...systemClock,
    after(ms: number, fire: () => void) {
      waits.push(ms)
      return systemClock.after(ms, fire)
    },
  }
  await using door = await open({ stream, clock })
  const idle = door.connect()
  const inHand = door.connect().send(request('/v1/topics/demand'))
  const uploading = door.connect().send(request('/v1/topics/demand').slice(0, -5))
  await until(() => door.front.health().inFlightRequests === 2 && door.front.health().connections === 3 && waiting.length === 1)
  const closed = door.front.close(9_000)
  expect(await idle.untilClosed()).toBe('')
  expect(door.front.health()).toMatchObject({ ready: false, inFlightRequests: 2 })
  const late = door.connect()
  await late.untilClosed()
  // It waits for what is in hand, and for that alone.
  expect(waits.filter(ms => ms > 500)).toEqual([9_000])
  uploading.send(READING.slice(-5))
  waiting[0]!()
  await until(() => waiting.length === 2)
  waiting[1]!()
  expect(await inHand.untilClosed()).toMatch(/^HTTP\/1\.1 202 .*connection: close/is)
  expect(await uploading.untilClosed()).toMatch(/^HTTP\/1\.1 202 /)
  await closed
})

test('a request on an open connection while closing is told to come again', async () => {
  const stream = { append: () => new Promise<Appended[]>(() => {}) }
  await using door = await open({ stream })
  const raw = door.connect().send(request('/v1/topics/nothing'))
  await raw.answer()
  const held = door.connect().send(request('/v1/topics/demand'))
  const half = door.connect().send('POST /v1/topics/demand HTTP/1.1\r\n')
  await until(() => door.front.health().inFlightRequests === 1 && door.front.health().connections === 3 && !half.socket.connecting)
  // A request that was sent after the half one and is answered: so the half one has been read, and its connection is not an idle one.
  await door.connect().send(request('/v1/topics/nothing')).answer()
  const closed = door.front.close(300)
  half.send(request('/v1/topics/demand').split('\r\n').slice(1).join('\r\n'))
  expect(await half.untilClosed()).toMatch(/^HTTP\/1\.1 503 .*retry-after: 5.*SHUTTING_DOWN/is)
  // The stream never answers: after the grace the connection ends without an answer, which promises nothing.
  expect(await held.untilClosed()).toBe('')
  await closed
})

test('closing does not wait for one who has sent half a request, beyond the grace', async () => {
  await using door = await open()
  const half = door.connect().send(request('/v1/topics/demand').slice(0, -5))
  await until(() => door.front.health().inFlightRequests === 1)
  await door.front.close(50)
  expect(await half.untilClosed()).toBe('')
  expect(await door.stored(demand.name)).toEqual([])
})

test('an address that is taken is an error which says so', async () => {
  await using door = await open()
  const port = Number(new URL(door.front.url).port)
  await expect(open({ listen: { host: '127.0.0.1', port } })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: expect.stringContaining(`${port}`),
  })
})

test('it listens on IPv6 loopback too', async () => {
  await using door = await open({ pipeline: grid, listen: { host: '::1', port: 0 } })
  expect(door.front.url).toMatch(/^http:\/\/\[::1\]:\d+$/)
  expect((await door.post('/v1/topics/demand', READING)).status).toBe(202)
})
