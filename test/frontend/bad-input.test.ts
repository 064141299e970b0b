import { expect, test } from 'vitest'
import { open, text } from './door.ts'

const READING = '{"station":"a","megawatts":1}'
const request = (path: string, headers: string, body = READING) =>
  `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n${headers}\r\n${body}`
const sized = (headers = '', body = READING) =>
  request('/v1/topics/demand', `content-length: ${Buffer.byteLength(body)}\r\n${headers}`, body)

test('malformed JSON is refused with what was expected', async () => {
  await using door = await open()
  for (const body of ['{', '{"station":}', '{"a":1}}', 'nonsense', '', ' ', '{"a":1,}', "{'a':1}", '{"a":NaN}', '\ufeff{}', '"\n"']) {
    const answer = await door.post('/v1/topics/notes', body)
    expect([body, answer.status, answer.body.code]).toEqual([body, 400, 'BODY_MALFORMED'])
    expect(answer.body.detail).toContain('Expected JSON')
  }
  expect(await door.stored('notes')).toEqual([])
})

test('JSON that is not UTF-8 is refused: decoded anyway it would be another datum', async () => {
  await using door = await open()
  for (const bytes of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xf8, 0x88, 0x80, 0x80, 0x80], [0xc0, 0x80]]) {
    const body = new Uint8Array(Buffer.concat([Buffer.from('{"note":"'), Buffer.from(bytes), Buffer.from('"}')]))
    expect(await door.post('/v1/topics/notes', body)).toMatchObject({ status: 400, body: { code: 'BODY_MALFORMED' } })
    const array = new Uint8Array(Buffer.concat([Buffer.from('['), body, Buffer.from(']')]))
    expect(await door.post('/v1/topics/notes/batch', array)).toMatchObject({ status: 400, body: { code: 'BODY_MALFORMED' } })
  }
})

test('a key __proto__ is data: it is stored as it was sent and pollutes nothing', async () => {
  await using door = await open()
  const body = '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}}}'
  expect((await door.post('/v1/topics/notes', body)).status).toBe(202)
  expect((await door.post('/v1/topics/notes/batch', `${body}\n`, { 'content-type': 'application/x-ndjson' })).body.accepted).toBe(1)
  const envelope = `{"__proto__":{"type":"notes"},"data":"${btoa(body)}"}`
  const type = { 'content-type': 'application/vnd.millrace.envelope+json' }
  expect((await door.post('/v1/topics/notes', envelope, type)).status).toBe(202)
  // A field that is only inherited is no field.
  expect((await door.post('/v1/data', envelope, type)).body.code).toBe('TYPE_MISSING')
  expect((await door.stored('notes')).map(text)).toEqual([body, body, body])
  expect(({} as { polluted?: boolean }).polluted).toBeUndefined()
})

test('JSON and MessagePack that are nested too deep are rejected, however deep; as deep as allowed they are taken', async () => {
  await using door = await open({ limits: { depth: 10 } })
  const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)}}`
  expect((await door.post('/v1/topics/notes', nested(10))).status).toBe(202)
  for (const body of [nested(11), nested(1_000_000), `{"a":${'['.repeat(2_000_000)}`, `{"a":${'{"a":'.repeat(100_000)}`]) {
    expect(await door.post('/v1/topics/notes', body)).toMatchObject({ status: 400, body: { code: 'BODY_MALFORMED' } })
  }
  // Brackets in strings are no nesting.
  expect((await door.post('/v1/topics/notes', JSON.stringify({ a: '[{'.repeat(50), b: '\\"[[[[[[[[[[[[' }))).status).toBe(202)
  for (const depth of [11, 1_000_000]) {
    const packed = new Uint8Array([
      ...new Uint8Array(Buffer.concat([Buffer.from([0x81, 0xa1, 0x61]), Buffer.alloc(depth, 0x91), Buffer.from([0xc0])])),
    ])
    expect((await door.post('/v1/topics/notes', packed, { 'content-type': 'application/msgpack' })).body.code).toBe('BODY_MALFORMED')
  }
  const batch = await door.post('/v1/topics/notes/batch', `{}\n${nested(11)}\n{}`, { 'content-type': 'application/x-ndjson' })
  expect(batch.body).toMatchObject({ accepted: 2, receipts: [{}, { line: 2, code: 'BODY_MALFORMED' }, {}] })
  expect((await door.post('/v1/topics/notes/batch', `[{},${nested(11)}]`)).body).toMatchObject({ accepted: 1, rejected: 1 })
})

test('MessagePack and BSON that lie about their length are refused', async () => {
  await using door = await open()
  const lies = [
    [0xdd, 0xff, 0xff, 0xff, 0xff],
    [0xdf, 0xff, 0xff, 0xff, 0xff, 0xa1],
    [0xc6, 0x7f, 0xff, 0xff, 0xff],
    [0xd9, 0xff, 0x61],
    [],
  ]
  for (const bytes of lies) {
    expect((await door.post('/v1/topics/notes', new Uint8Array(bytes), { 'content-type': 'application/msgpack' })).status).toBe(400)
    expect((await door.post('/v1/topics/notes', new Uint8Array(bytes), { 'content-type': 'application/bson' })).status).toBe(400)
  }
})

test('path tricks name no topic, and their answer repeats nothing that could be run', async () => {
  await using door = await open()
  const tricks = [
    '..',
    '../demand',
    '%2e%2e',
    '%2e%2e%2fdemand',
    'demand%00',
    'demand/../notes',
    'demand%2fbatch',
    './demand',
    'demand/',
    'demand//batch',
  ]
  const names = [
    'DEMAND',
    'dema\u006ed%20',
    '%',
    '%zz',
    '%ff',
    '__proto__',
    'constructor',
    'demand;x',
    'd%C3%A9mand',
    'demand%0d%0a',
    '<script>',
    'x'.repeat(8000),
  ]
  for (const trick of [...tricks, ...names]) {
    const answer = await door
      .connect()
      .send(request(`/v1/topics/${trick}`, `content-length: ${READING.length}\r\n`))
      .answer()
    // 'demand%2fbatch' is the batch path once decoded, where this content type is an array that does not hold together.
    expect([trick, answer.slice(9, 12)]).toEqual([trick, trick === 'demand%2fbatch' ? '400' : '404'])
    expect(answer).toMatch(/content-type: application\/problem\+json/i)
    expect(answer.length).toBeLessThan(1000)
  }
  for (const path of ['/v1/topics/../topics/demand', '//v1/topics/demand', '/v1//topics/demand', '/%', '/v1/data/', '*']) {
    const answer = await door
      .connect()
      .send(request(path, `content-length: ${READING.length}\r\n`))
      .answer()
    expect([path, answer.slice(9, 12)]).toEqual([path, '404'])
  }
  expect(await door.stored('demand')).toEqual([])
  expect(await door.post('/v1/topics/d%65mand', READING)).toMatchObject({ status: 202, body: { topic: 'demand' } })
})

test('a key of a datum may hold anything, and stays data', async () => {
  await using door = await open()
  const stations = ['../../etc/passwd', '%2e%2e%2f', 'a\u0000b', 'a/b\\c', '\u202etxt.exe', '', ' ', '.', 'é', '👩‍👩‍👧', 'x'.repeat(1024)]
  for (const station of stations) {
    expect((await door.post('/v1/topics/demand', JSON.stringify({ station, megawatts: 1 }))).status).toBe(202)
  }
  const tooLong = await door.post('/v1/topics/demand', JSON.stringify({ station: 'é'.repeat(513), megawatts: 1 }))
  expect(tooLong).toMatchObject({ status: 422, body: { code: 'DATUM_INVALID' } })
  const stored = (await door.stored('demand')).map(datum => JSON.parse(text(datum)).station)
  expect(stored.sort()).toEqual(stations.sort())
})

test('a header that must come once and comes twice is refused, in any case and order', async () => {
  await using door = await open()
  for (const [one, two] of [
    ['authorization: Bearer a.b', 'Authorization: Bearer c.d'],
    ['idempotency-key: a', 'Idempotency-Key: b'],
    ['millrace-source: a', 'millrace-source: b'],
    ['content-encoding: identity', 'content-encoding: gzip'],
    ['host: elsewhere', 'x: y'],
    ['content-type: text/plain', 'x: y'],
  ]) {
    const answer = await door
      .connect()
      .send(sized(`${one}\r\n${two}\r\n`))
      .answer()
    expect([one, answer.slice(9, 12)]).toEqual([one, '400'])
    expect(answer).toContain('HEADER_INVALID')
  }
  expect(await door.stored('demand')).toEqual([])
})

test('what proxies disagree about is refused, and the connection closed: no request can hide behind another', async () => {
  await using door = await open()
  const hidden = sized()
  const tricks = {
    'two lengths': `content-length: 5\r\ncontent-length: ${READING.length}\r\n`,
    'a list of lengths': `content-length: 5, 5\r\n`,
    'a signed length': 'content-length: +5\r\n',
    'a length beside chunks': `content-length: 5\r\ntransfer-encoding: chunked\r\n`,
    'chunks beside a length': `transfer-encoding: chunked\r\ncontent-length: 5\r\n`,
    'chunks that are not last': 'transfer-encoding: chunked, gzip\r\n',
    'chunks twice': 'transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n',
    'a space before the colon': `content-length : ${READING.length}\r\n`,
    'a folded header': `content-length: ${READING.length}\r\nx: a\r\n b\r\n`,
    'a bare line feed': `content-length: ${READING.length}\nx: y\r\n`,
    'a null byte': `content-length: ${READING.length}\r\nx: a\u0000b\r\n`,
  }
  for (const [trick, headers] of Object.entries(tricks)) {
    const heard = await door
      .connect()
      .send(request('/v1/topics/demand', headers, `0\r\n\r\n${hidden}`))
      .untilClosed()
    expect([trick, heard.match(/HTTP\/1\.1 \d\d\d/g)]).toEqual([trick, ['HTTP/1.1 400']])
    expect(heard).toContain('HEADER_INVALID')
  }
  const chunked = 'transfer-encoding: chunked\r\n'
  for (const body of ['zz\r\n', `-5\r\n${READING}`, `5\r\n${READING}\r\n0\r\n\r\n`]) {
    const heard = await door
      .connect()
      .send(request('/v1/topics/demand', chunked, body))
      .untilClosed()
    expect([body, heard.slice(9, 12)]).toEqual([body, '400'])
  }
  expect(await door.stored('demand')).toEqual([])
})

test('an Idempotency-Key that cannot be used is refused', async () => {
  await using door = await open()
  for (const key of ['', '""', 'x'.repeat(256), 'é', '\u0001']) {
    const answer = await door
      .connect()
      .send(Buffer.from(sized(`idempotency-key: ${key}\r\n`), 'latin1'))
      .answer()
    expect([key, answer.slice(9, 12)]).toEqual([key, '400'])
  }
})

test('what is not HTTP is told so and closed', async () => {
  await using door = await open()
  for (const noise of [
    'hello\r\n\r\n',
    '\u0016\u0003\u0001\u0002\u0000\r\n\r\n',
    'POST /v1/data HTTP/9.9\r\n\r\n',
    'POST  / HTTP/1.1\r\n\r\n',
  ]) {
    expect(await door.connect().send(noise).untilClosed()).toMatch(/^HTTP\/1\.1 400 /)
  }
  // HTTP/1.1 without a host.
  expect(await door.connect().send('POST /v1/data HTTP/1.1\r\n\r\n').untilClosed()).toMatch(/^HTTP\/1\.1 400 /)
})

test('other methods and other paths are answered as problems', async () => {
  await using door = await open()
  for (const method of ['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH']) {
    const response = await fetch(`${door.front.url}/v1/topics/demand`, { method })
    expect([method, response.status, response.headers.get('allow')]).toEqual([method, 405, 'POST'])
  }
  expect(await door.post('/', '{}')).toMatchObject({ status: 404, body: { code: 'ROUTE_UNKNOWN' } })
  expect(await door.post('/v1/topics', '{}')).toMatchObject({ status: 404, body: { code: 'ROUTE_UNKNOWN' } })
})
