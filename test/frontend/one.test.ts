import { deserialize, serialize } from 'bson'
import { Packr } from 'msgpackr'
import { expect, test } from 'vitest'
import { codecs } from '../../src/envelope/codecs/index.ts'
import { demand, open, text, until } from './door.ts'

const packr = new Packr({ useRecords: false })
const READING = '{"station": "a",  "megawatts": 1.50}'

test('a datum is stored byte for byte as it was sent, and its receipt says where', async () => {
  await using door = await open()
  const { status, body } = await door.post('/v1/topics/demand', READING)
  expect(status).toBe(202)
  expect(body).toEqual({ data_id: expect.stringMatching(/^[0-9a-f-]{36}$/), topic: 'demand', partition: 0, status: 'accepted' })
  const [stored] = await door.stored('demand')
  expect(text(stored!)).toBe(READING)
  expect(stored).toMatchObject({ dataId: body.data_id, source: 'local', type: 'demand' })
})

test('a data_id that is minted carries the time', async () => {
  await using door = await open()
  const before = Date.now()
  const { body } = await door.post('/v1/topics/demand', READING)
  expect(body.data_id[14]).toBe('7')
  expect(Number.parseInt(body.data_id.replace('-', '').slice(0, 12), 16)).toBeGreaterThanOrEqual(before)
})

test('data of one key are in one partition, those without a key are spread', async () => {
  await using door = await open()
  const partitions = new Set<number>()
  for (let i = 0; i < 10; i++) partitions.add((await door.post('/v1/topics/demand', `{"station":"same","megawatts":${i}}`)).body.partition)
  expect(partitions.size).toBe(1)
  for (let i = 0; i < 40; i++) partitions.add((await door.post('/v1/topics/notes', '{}')).body.partition)
  expect(partitions.size).toBe(demand.spec.partitions)
})

test('a datum that does not match its topic is rejected, with a path and a message for each fault', async () => {
  await using door = await open()
  const { status, headers, body } = await door.post('/v1/topics/demand', '{"station":5}')
  expect(status).toBe(422)
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(body).toMatchObject({ type: 'urn:millrace:problem:datum-invalid', status: 422, code: 'DATUM_INVALID', receipt: 'rejected' })
  expect(body.issues.map((issue: { path: string }) => issue.path)).toEqual(['station', 'megawatts'])
  expect(await door.stored('demand')).toEqual([])
})

test('the same Idempotency-Key again is a duplicate with the same data_id, quoted or not', async () => {
  await using door = await open()
  const first = await door.post('/v1/topics/demand', READING, { 'idempotency-key': 'hour-7' })
  const again = await door.post('/v1/topics/demand', READING, { 'idempotency-key': '"hour-7"' })
  expect([first.status, again.status]).toEqual([202, 200])
  expect(again.body).toEqual({ ...first.body, status: 'duplicate' })
  expect(await door.stored('demand')).toHaveLength(1)
})

test('an id that is a UUID of another source is taken; one that is not never meets another source’s', async () => {
  await using door = await open()
  const id = '018f3b1e-7c00-7000-8000-000000000001'
  const one = { 'idempotency-key': id, 'millrace-source': 'one' }
  const two = { 'idempotency-key': id, 'millrace-source': 'two' }
  expect((await door.post('/v1/topics/demand', READING, one)).body.data_id).toBe(id)
  expect(await door.post('/v1/topics/demand', READING, two)).toMatchObject({ status: 409, body: { code: 'ID_TAKEN', receipt: 'rejected' } })
  const own = await door.post('/v1/topics/demand', READING, { ...one, 'idempotency-key': 'k' })
  const other = await door.post('/v1/topics/demand', READING, { ...two, 'idempotency-key': 'k' })
  expect([own.status, other.status]).toEqual([202, 202])
  expect(own.body.data_id).not.toBe(other.body.data_id)
})

test('bytes are stored as they are, with their content type', async () => {
  await using door = await open()
  const image = Uint8Array.from({ length: 300 }, (_, i) => i % 256)
  expect((await door.post('/v1/topics/frames', image, { 'content-type': 'image/png' })).status).toBe(202)
  const [stored] = await door.stored('frames')
  expect(Buffer.from(stored!.data)).toEqual(Buffer.from(image))
  expect(stored!.contentType).toBe('image/png')
})

test('MessagePack and BSON are judged by the schema and stored as sent', async () => {
  await using door = await open()
  const reading = { station: 'a', megawatts: 2 }
  const packed = packr.pack(reading)
  const binary = serialize(reading)
  expect((await door.post('/v1/topics/demand', new Uint8Array(packed), { 'content-type': 'application/msgpack' })).status).toBe(202)
  expect((await door.post('/v1/topics/demand', new Uint8Array(binary), { 'content-type': 'application/bson' })).status).toBe(202)
  const wrong = new Uint8Array(packr.pack({ station: 1 }))
  expect((await door.post('/v1/topics/demand', wrong, { 'content-type': 'application/msgpack' })).status).toBe(422)
  const stored = await door.stored('demand')
  expect(stored.map(datum => datum.contentType)).toEqual(['application/msgpack', 'application/bson'])
  expect(deserialize(stored[1]!.data)).toEqual(reading)
})

test('an envelope in each codec brings its id, its time and its parents', async () => {
  await using door = await open()
  const parent = '018f3b1e-7c00-7000-8000-0000000000aa'
  for (const [i, codec] of codecs.entries()) {
    const dataId = `018f3b1e-7c00-7000-8000-00000000000${i}`
    const envelope = {
      dataId,
      source: 'local',
      createdMs: 1_700_000_000_000,
      data: Buffer.from(READING),
      type: 'demand',
      parents: [parent],
    }
    const { body, status } = await door.post('/v1/data', new Uint8Array(codec.encode(envelope)), { 'content-type': codec.contentType })
    expect([status, body.data_id]).toEqual([202, dataId])
  }
  const stored = await door.stored('demand')
  expect(stored).toHaveLength(3)
  for (const datum of stored) {
    expect(text(datum)).toBe(READING)
    expect(datum).toMatchObject({ createdMs: 1_700_000_000_000, parents: [parent] })
  }
})

test('an envelope for another topic than its path is rejected at its type', async () => {
  await using door = await open()
  const envelope = JSON.stringify({ type: 'notes', data: btoa(READING) })
  const { status, body } = await door.post('/v1/topics/demand', envelope, { 'content-type': 'application/vnd.millrace.envelope+json' })
  expect([status, body.issues[0].path]).toEqual([422, 'type'])
})

test('/v1/data finds the topic by header, by query or by the envelope, which goes first', async () => {
  await using door = await open()
  expect((await door.post('/v1/data', READING, { 'millrace-type': 'demand' })).body.topic).toBe('demand')
  expect((await door.post('/v1/data?type=notes', READING)).body.topic).toBe('notes')
  const envelope = JSON.stringify({ type: 'demand', data: btoa(READING) })
  const sent = await door.post('/v1/data?type=notes', envelope, { 'content-type': 'application/vnd.millrace.envelope+json' })
  expect(sent.body.topic).toBe('demand')
  expect(await door.post('/v1/data', READING)).toMatchObject({ status: 400, body: { code: 'TYPE_MISSING' } })
  expect(await door.post('/v1/data?type=nothing', READING)).toMatchObject({ status: 404, body: { code: 'TOPIC_UNKNOWN' } })
})

test('without a content type a body is JSON; a form is told how to be one', async () => {
  await using door = await open()
  const raw = door
    .connect()
    .send(`POST /v1/topics/demand HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${READING.length}\r\n\r\n${READING}`)
  expect(await raw.answer()).toMatch(/^HTTP\/1.1 202 /)
  const form = await door.post('/v1/topics/demand', READING, { 'content-type': 'application/x-www-form-urlencoded' })
  expect(form).toMatchObject({ status: 415, body: { code: 'CONTENT_TYPE_UNSUPPORTED' } })
  expect(form.body.detail).toContain("-H 'content-type: application/json'")
})

test('data that arrive together are recorded together, by topic and source', async () => {
  await using door = await open()
  await Promise.all(Array.from({ length: 50 }, (_, i) => door.post('/v1/topics/demand', `{"station":"s${i}","megawatts":1}`)))
  await until(() => door.facts.reduce((sum, fact) => sum + fact.accepted, 0) === 50)
  expect(door.facts.length).toBeLessThan(50)
  expect(new Set(door.facts.map(fact => `${fact.topic}/${fact.source}`))).toEqual(new Set(['demand/local']))
  expect(door.reported).toEqual([])
})
