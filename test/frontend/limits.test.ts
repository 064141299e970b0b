import { promisify } from 'node:util'
import { brotliCompressSync, deflateSync, gzipSync, zstdCompress, zstdCompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import type { Clock } from '../../src/clock.ts'
import { systemClock } from '../../src/clock.ts'
import { completeLimits, DEFAULT_LIMITS } from '../../src/frontend/limits.ts'
import { open, text } from './door.ts'

const READING = '{"station":"a","megawatts":1}'
const NDJSON = { 'content-type': 'application/x-ndjson' }
const note = (bytes: number) => `{"a":"${'x'.repeat(bytes - 8)}"}`
const u8 = (bytes: Uint8Array) => new Uint8Array(bytes)

test('limits are checked when they are set, and the error names the one', () => {
  expect(completeLimits({ depth: 3 })).toEqual({ ...DEFAULT_LIMITS, depth: 3 })
  for (const wrong of [{ depth: 0 }, { bodyBytes: Number.NaN }, { lineBytes: '5' }, { deepness: 5 }, { headerTimeoutMs: 90_000 }]) {
    // What a configuration file may hold is not what the type allows.
    expect(() => completeLimits(wrong as never)).toThrow(Object.keys(wrong)[0])
  }
})

test('bodyBytes: a body of just so many bytes is taken, one more is not, declared or in chunks', async () => {
  await using door = await open({ limits: { bodyBytes: 1000 } })
  expect((await door.post('/v1/topics/notes', note(1000))).status).toBe(202)
  expect(await door.post('/v1/topics/notes', note(1001))).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } })
  const chunked = `POST /v1/topics/notes HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n`
  const chunk = `1f4\r\n${'x'.repeat(500)}\r\n`
  const heard = await door
    .connect()
    .send(chunked + chunk.repeat(3))
    .untilClosed()
  expect(heard).toMatch(/^HTTP\/1\.1 413 /)
  expect(await door.stored('notes')).toHaveLength(1)
})

test('a body that is declared far too large is refused before it is sent, and the refusal arrives though it is being sent', async () => {
  await using door = await open({ limits: { bodyBytes: 1000 } })
  const head = 'POST /v1/topics/notes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100000000\r\n'
  const early = door.connect().send(`${head}expect: 100-continue\r\n\r\n`)
  expect(await early.answer()).toMatch(/^HTTP\/1\.1 413 /)
  const eager = door.connect().send(`${head}\r\n`).send(Buffer.alloc(5_000_000, 'x'))
  expect(await eager.answer()).toMatch(/^HTTP\/1\.1 413 .*connection: close/is)
})

test('a producer that waits for 100 Continue is told to go on', async () => {
  await using door = await open()
  const raw = door
    .connect()
    .send(`POST /v1/topics/demand HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${READING.length}\r\nexpect: 100-continue\r\n\r\n`)
  const heard = new Promise<string>(resolve => raw.socket.once('data', chunk => resolve(chunk.toString())))
  expect(await heard).toMatch(/^HTTP\/1\.1 100 /)
  expect(await raw.send(READING).answer()).toContain('HTTP/1.1 202 ')
})

test('lineBytes: a line or element that is longer is rejected alone', async () => {
  await using door = await open({ limits: { lineBytes: 100 } })
  const lines = [note(100), note(101), '{}', `{"a":"${'é'.repeat(47)}"}`]
  for (const answer of [
    await door.post('/v1/topics/notes/batch', lines.join('\n'), NDJSON),
    await door.post('/v1/topics/notes/batch', `[${lines.join(',')}]`),
    await door.post('/v1/topics/notes/batch', lines.slice(0, 3).join('\n'), NDJSON),
  ]) {
    expect(answer.body.accepted).toBe(2)
    expect(answer.body.receipts[1]).toMatchObject({ line: 2, status: 'rejected', code: 'BODY_TOO_LARGE' })
    if (answer.body.receipts[3]) expect(answer.body.receipts[3]).toMatchObject({ code: 'BODY_TOO_LARGE' })
  }
})

test('batchCount: a batch of more is refused as a whole', async () => {
  await using door = await open({ limits: { batchCount: 3 } })
  expect((await door.post('/v1/topics/notes/batch', '{}\n{}\n\n{}\n', NDJSON)).body.accepted).toBe(3)
  expect(await door.post('/v1/topics/notes/batch', '{}\n{}\n{}\n{}', NDJSON)).toMatchObject({
    status: 413,
    body: { code: 'BODY_TOO_LARGE' },
  })
  expect(await door.post('/v1/topics/notes/batch', '[{},{},{},{}]')).toMatchObject({ status: 413 })
  expect(await door.stored('notes')).toHaveLength(3)
})

test('each compression is read, whole, and anything after its end is not lost in silence', async () => {
  await using door = await open()
  const encodings = {
    gzip: gzipSync(READING),
    deflate: deflateSync(READING),
    br: brotliCompressSync(READING),
    zstd: zstdCompressSync(READING),
  }
  for (const [encoding, body] of Object.entries(encodings)) {
    const header = { 'content-encoding': encoding }
    expect([encoding, (await door.post('/v1/topics/demand', u8(body), header)).status]).toEqual([encoding, 202])
    expect([encoding, (await door.post('/v1/topics/demand', u8(body.subarray(0, -4)), header)).body.code]).toEqual([
      encoding,
      'BODY_MALFORMED',
    ])
    const more = Buffer.concat([body, Buffer.from('more than that')])
    expect([encoding, (await door.post('/v1/topics/demand', u8(more), header)).body.code]).toEqual([encoding, 'BODY_MALFORMED'])
    expect([encoding, (await door.post('/v1/topics/demand', READING, header)).body.code]).toEqual([encoding, 'BODY_MALFORMED'])
  }
  expect((await door.stored('demand')).map(text)).toEqual([READING, READING, READING, READING])
  const frames = await Promise.all([`${READING}\n`, READING].map(part => promisify(zstdCompress)(part)))
  const many = await door.post('/v1/topics/demand/batch', u8(Buffer.concat(frames)), { ...NDJSON, 'content-encoding': 'zstd' })
  expect(many.body.accepted).toBe(2)
  for (const encoding of ['gzip, gzip', 'compress', 'lz4']) {
    const refused = await door.post('/v1/topics/demand', READING, { 'content-encoding': encoding })
    expect(refused).toMatchObject({ status: 415, body: { code: 'CONTENT_TYPE_UNSUPPORTED' } })
  }
  expect((await door.post('/v1/topics/demand', READING, { 'content-encoding': 'identity' })).status).toBe(202)
})

test('decompressedBytes, decompressionRatio: a zip bomb is refused in every encoding; what is small may grow as it likes', async () => {
  const zeros = Buffer.alloc(50_000_000)
  const bombs = { gzip: gzipSync(zeros), deflate: deflateSync(zeros), br: brotliCompressSync(zeros), zstd: zstdCompressSync(zeros) }
  await using tight = await open({ limits: { decompressedBytes: 2_000_000, decompressionRatio: 1e9 } })
  await using steep = await open({ limits: { decompressionRatio: 20 } })
  for (const [encoding, bomb] of Object.entries(bombs)) {
    for (const door of [tight, steep]) {
      const answer = await door.post('/v1/topics/notes', u8(bomb), { 'content-encoding': encoding })
      expect([encoding, answer.status, answer.body.code]).toEqual([encoding, 413, 'BODY_TOO_LARGE'])
    }
  }
  const manyFrames = Buffer.concat(Array.from({ length: 100 }, () => zstdCompressSync(Buffer.alloc(100_000))))
  expect((await tight.post('/v1/topics/notes', u8(manyFrames), { 'content-encoding': 'zstd' })).status).toBe(413)
  expect((await steep.post('/v1/topics/notes', u8(gzipSync(note(900_000))), { 'content-encoding': 'gzip' })).status).toBe(202)
})

test('headerBytes and headerCount: more is refused with 431', async () => {
  await using door = await open({ limits: { headerBytes: 2000, headerCount: 10 } })
  const send = (headers: string) =>
    door.connect().send(`POST /v1/topics/notes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\n${headers}\r\n{}`).answer()
  expect(await send('a: b\r\n'.repeat(8))).toMatch(/^HTTP\/1\.1 202 /)
  expect(await send('a: b\r\n'.repeat(9))).toMatch(/^HTTP\/1\.1 431 .*HEADER_INVALID/s)
  expect(await send('a: b\r\n'.repeat(100))).toMatch(/^HTTP\/1\.1 431 .*HEADER_INVALID/s)
  expect(await send(`a: ${'b'.repeat(3000)}\r\n`)).toMatch(/^HTTP\/1\.1 431 .*HEADER_INVALID/s)
})

/** A clock whose time stands still until it is set. */
function stoppedClock(): Clock & { nowMs: number } {
  return {
    ...systemClock,
    nowMs: 1_700_000_000_000,
    now() {
      return this.nowMs
    },
  }
}

test('ratePerSecond and rateBurst: a source that sends more is told when to come again, and no other suffers', async () => {
  const clock = stoppedClock()
  await using door = await open({ clock, limits: { ratePerSecond: 10, rateBurst: 5 } })
  const send = (lines: number, source: string) =>
    door.post('/v1/topics/notes/batch', '{}\n'.repeat(lines), { ...NDJSON, 'millrace-source': source })
  expect((await send(4, 'fast')).status).toBe(202)
  // One token is left: the next request is taken whole, and leaves a debt of 29.
  expect((await send(30, 'fast')).status).toBe(202)
  const refused = await send(1, 'fast')
  expect(refused).toMatchObject({ status: 429, body: { code: 'RATE_LIMITED' } })
  expect(refused.headers.get('retry-after')).toBe('3')
  expect((await send(1, 'slow')).status).toBe(202)
  clock.nowMs += 2800
  expect((await send(1, 'fast')).status).toBe(429)
  clock.nowMs += 200
  expect((await send(1, 'fast')).status).toBe(202)
  // A clock that is set back gives nothing and takes nothing.
  clock.nowMs -= 60_000
  expect((await send(1, 'slow')).status).toBe(202)
  expect(await door.stored('notes')).toHaveLength(37)
})
