import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { open, Raw, until } from './door.ts'

const READING = '{"station":"a","megawatts":1}'
const HEAD = 'POST /v1/topics/demand HTTP/1.1\r\nhost: localhost\r\n'
const WHOLE = `${HEAD}content-length: ${READING.length}\r\n\r\n${READING}`

test('headerTimeoutMs: a header that comes byte by byte, or not at all, ends with 408', async () => {
  await using door = await open({ limits: { headerTimeoutMs: 300 } })
  const dripping = door.connect()
  let at = 0
  const drip = setInterval(() => dripping.socket.writable && dripping.send(`x-${at++}: y\r\n`), 20)
  dripping.send(HEAD)
  const silent = door.connect()
  expect(await dripping.untilClosed()).toMatch(/^HTTP\/1\.1 408 .*SLOW_REQUEST/s)
  clearInterval(drip)
  expect(await silent.untilClosed()).toMatch(/^HTTP\/1\.1 408 /)
  await until(() => door.front.health().connections === 0)
  expect((await door.post('/v1/topics/demand', READING)).status).toBe(202)
})

test('requestTimeoutMs: a body that comes byte by byte, or half and then nothing, ends with 408 and stores nothing', async () => {
  await using door = await open({ limits: { headerTimeoutMs: 200, requestTimeoutMs: 400 } })
  const dripping = door.connect().send(`${HEAD}content-length: 100000\r\n\r\n{"a":"`)
  const drip = setInterval(() => dripping.socket.writable && dripping.send('x'), 20)
  const half = door.connect().send(WHOLE.slice(0, -5))
  const chunked = door.connect().send(`${HEAD}transfer-encoding: chunked\r\n\r\n5\r\n{"sta\r\n`)
  expect(await dripping.untilClosed()).toMatch(/^HTTP\/1\.1 408 .*SLOW_REQUEST/s)
  clearInterval(drip)
  expect(await half.untilClosed()).toMatch(/^HTTP\/1\.1 408 /)
  expect(await chunked.untilClosed()).toMatch(/^HTTP\/1\.1 408 /)
  await until(() => door.front.health().inFlightRequests === 0)
  expect(door.front.health()).toMatchObject({ connections: 0, inFlightBytes: 0 })
  expect(await door.stored('demand')).toEqual([])
})

test('a producer that stops in the middle of its body, or closes its half, leaves nothing stored and nothing held', async () => {
  await using door = await open()
  door.connect().send(WHOLE.slice(0, -5)).socket.end()
  const reset = door.connect().send(WHOLE.slice(0, -5))
  await until(() => door.front.health().connections > 0)
  reset.socket.resetAndDestroy()
  await until(() => door.front.health().connections === 0)
  expect(door.front.health()).toMatchObject({ inFlightRequests: 0, inFlightBytes: 0 })
  expect(await door.stored('demand')).toEqual([])
})

test('idleTimeoutMs: a connection that sends no next request is closed', async () => {
  await using door = await open({ limits: { idleTimeoutMs: 200 } })
  const raw = door.connect().send(WHOLE)
  expect(await raw.untilClosed()).toMatch(/^HTTP\/1\.1 202 /)
  await until(() => door.front.health().connections === 0)
})

test('idleTimeoutMs: a producer that does not read its answers is closed, and holds nothing', async () => {
  await using door = await open({ limits: { headerTimeoutMs: 200, requestTimeoutMs: 300, idleTimeoutMs: 300 } })
  const lines = '{}\n'.repeat(10_000)
  const batch = `POST /v1/topics/notes/batch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\ncontent-length: ${lines.length}\r\n\r\n${lines}`
  const raw = door.connect()
  raw.socket.pause()
  // More than a megabyte of receipts each: far more than the kernel takes for one who does not read.
  raw.send(batch.repeat(12))
  await until(() => door.front.health().connections === 1)
  // What had arrived whole is stored all the same, and then lets go.
  await until(() => door.front.health().connections === 0 && door.front.health().inFlightRequests === 0)
  expect(door.front.health().inFlightBytes).toBe(0)
  expect((await door.post('/v1/topics/demand', READING)).status).toBe(202)
}, 30_000)

test('requests that follow each other without waiting are answered in their order', async () => {
  await using door = await open()
  const raw = door
    .connect()
    .send(
      WHOLE +
        WHOLE.replace('"a"', '"b"').replace('/demand', '/nothing') +
        WHOLE.replace('HTTP/1.1\r\n', 'HTTP/1.1\r\nconnection: close\r\n'),
    )
  const heard = await raw.untilClosed()
  expect(heard.match(/HTTP\/1\.1 \d\d\d/g)).toEqual(['HTTP/1.1 202', 'HTTP/1.1 404', 'HTTP/1.1 202'])
})

test('connections: past the limit each is told 503 and closed, never reset, and those inside go on', async () => {
  const limit = 500
  await using door = await open({ limits: { connections: limit } })
  const port = Number(new URL(door.front.url).port)
  const inside: Socket[] = []
  for (let i = 0; i < limit; i++) inside.push(connect(port, '127.0.0.1'))
  await until(() => door.front.health().connections === limit)
  let told = 0
  // Ten thousand, some hundreds at a time: this process has both ends of each.
  for (let sent = 0; sent < 10_000; sent += 500) {
    const outside = Array.from({ length: 500 }, () => new Raw(connect(port, '127.0.0.1')))
    for (const heard of await Promise.all(outside.map(raw => raw.send(WHOLE).untilClosed()))) {
      if (/^HTTP\/1\.1 503 .*retry-after: 1.*OVERLOADED/is.test(heard)) told++
    }
    expect(outside.filter(raw => raw.wasReset)).toEqual([])
  }
  expect(told).toBe(10_000)
  expect(door.front.health().connections).toBe(limit)
  expect(await new Raw(inside[7]!).send(WHOLE).answer()).toMatch(/^HTTP\/1\.1 202 /)
  for (const socket of inside) socket.destroy()
  await until(() => door.front.health().connections === 0)
  expect(await door.stored('demand')).toHaveLength(1)
}, 60_000)
