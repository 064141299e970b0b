import { expect, test } from 'vitest'
import { z } from 'zod'
import { pipeline, topic } from '../../src/index.ts'
import { open, text } from './door.ts'

const NDJSON = { 'content-type': 'application/x-ndjson' }
const reading = (station: string) => `{"station":"${station}","megawatts":1}`

test('a batch whose 7th line is bad stores the others and says which failed and why', async () => {
  await using door = await open()
  const lines = Array.from({ length: 10 }, (_, i) => (i === 6 ? '{"station":"s6","megawatts":"lots"}' : reading(`s${i}`)))
  const { status, body } = await door.post('/v1/topics/demand/batch', lines.join('\n'), NDJSON)
  expect(status).toBe(202)
  expect(body).toMatchObject({ accepted: 9, duplicate: 0, rejected: 1, retry: 0 })
  expect(body.receipts).toHaveLength(10)
  expect(body.receipts[6]).toMatchObject({ line: 7, status: 'rejected', code: 'DATUM_INVALID', issues: [{ path: 'megawatts' }] })
  expect(body.receipts[7]).toMatchObject({ line: 8, status: 'accepted', topic: 'demand' })
  const stored = await door.stored('demand')
  expect(stored.map(datum => JSON.parse(text(datum)).station).sort()).toEqual(['s0', 's1', 's2', 's3', 's4', 's5', 's7', 's8', 's9'])
  const byId = new Map(stored.map(datum => [datum.dataId, text(datum)]))
  expect(byId.get(body.receipts[0].data_id)).toBe(lines[0])
})

test('a line is stored as it was written; empty lines count as lines, and CRLF ends one too', async () => {
  await using door = await open()
  const written = '{ "station" : "ä",  "megawatts":1e0 }'
  const { body } = await door.post('/v1/topics/demand/batch', `\n${written}\r\n\r\n${reading('b')}`, NDJSON)
  expect(body.receipts.map((receipt: { line: number }) => receipt.line)).toEqual([2, 4])
  expect((await door.stored('demand')).map(text)).toContain(written)
})

test('a line that is not UTF-8 is rejected, and the others are not', async () => {
  await using door = await open()
  const body = Buffer.concat([Buffer.from(`${reading('ü')}\n{"station":"`), Buffer.from([0xff, 0xfe]), Buffer.from(`"}\n${reading('c')}`)])
  const answer = await door.post('/v1/topics/demand/batch', new Uint8Array(body), NDJSON)
  expect(answer.body).toMatchObject({ accepted: 2, rejected: 1, receipts: [{}, { line: 2, code: 'BODY_MALFORMED' }, {}] })
})

test('the elements of a JSON array are stored as they were written', async () => {
  await using door = await open()
  const array = `[ ${reading('a')} ,\n {"station":"] , [\\"", "megawatts":2.0}, {"station":7}, tru ]`
  const { body } = await door.post('/v1/topics/demand/batch', array)
  expect(body).toMatchObject({
    accepted: 2,
    rejected: 2,
    receipts: [{ line: 1 }, { line: 2 }, { line: 3 }, { line: 4, code: 'BODY_MALFORMED' }],
  })
  expect((await door.stored('demand')).map(text).sort()).toEqual(['{"station":"] , [\\"", "megawatts":2.0}', reading('a')].sort())
})

test('an array that does not hold together is refused as a whole', async () => {
  await using door = await open()
  for (const broken of [reading('a'), '[1,2', '[1,,2]', '[1,]', '[1] [2]', '', '[1}', '["a', '{}']) {
    expect([broken, (await door.post('/v1/topics/notes/batch', broken)).body.code]).toEqual([broken, 'BODY_MALFORMED'])
  }
  expect(await door.stored('notes')).toEqual([])
})

test('an empty batch is answered with nothing', async () => {
  await using door = await open()
  const nothing = { accepted: 0, duplicate: 0, rejected: 0, retry: 0, receipts: [] }
  expect(await door.post('/v1/topics/notes/batch', '\n\n', NDJSON)).toMatchObject({ status: 200, body: nothing })
  expect(await door.post('/v1/topics/notes/batch', ' [ ] ')).toMatchObject({ status: 200, body: nothing })
})

test('a batch sent again under its Idempotency-Key stores nothing twice, even where it was half stored before', async () => {
  await using door = await open()
  const key = { ...NDJSON, 'idempotency-key': 'day-1' }
  const lines = ['a', 'b', 'c', 'd'].map(reading)
  await door.post('/v1/topics/demand/batch', lines.slice(0, 2).join('\n'), key)
  const again = await door.post('/v1/topics/demand/batch', lines.join('\n'), key)
  expect(again).toMatchObject({ status: 202, body: { accepted: 2, duplicate: 2 } })
  expect(again.body.receipts.map((receipt: { status: string }) => receipt.status)).toEqual([
    'duplicate',
    'duplicate',
    'accepted',
    'accepted',
  ])
  const third = await door.post('/v1/topics/demand/batch', lines.join('\n'), key)
  expect(third).toMatchObject({ status: 200, body: { accepted: 0, duplicate: 4 } })
  expect(await door.stored('demand')).toHaveLength(4)
})

test('envelopes in a batch have their own ids and find their own topics', async () => {
  await using door = await open()
  const lines = [
    JSON.stringify({ data_id: 'one', type: 'demand', data: btoa(reading('a')) }),
    JSON.stringify({ data_id: 'one', type: 'demand', data: btoa(reading('a')) }),
    JSON.stringify({ type: 'notes', data: btoa('{}'), created: '2017-01-01T00:00:00Z' }),
    JSON.stringify({ type: 'nowhere', data: btoa('{}') }),
    JSON.stringify({ data: 'not base64!' }),
    JSON.stringify({ data: btoa('{}') }),
  ]
  const { body } = await door.post('/v1/data', lines.join('\n'), { 'content-type': 'application/vnd.millrace.envelope+ndjson' })
  expect(body).toMatchObject({ accepted: 2, duplicate: 1, rejected: 3 })
  expect(body.receipts.map((receipt: { code?: string; status: string }) => receipt.code ?? receipt.status)).toEqual([
    'accepted',
    'duplicate',
    'accepted',
    'TOPIC_UNKNOWN',
    'CODEC_INVALID',
    'TYPE_MISSING',
  ])
  expect((await door.stored('notes'))[0]).toMatchObject({ createdMs: Date.UTC(2017) })
})

test('a datum that says that it was created in the future is rejected, and says why', async () => {
  await using door = await open({ limits: { createdAheadMs: 60_000 } })
  const lines = [30_000, 120_000].map(aheadMs =>
    JSON.stringify({ type: 'notes', data: btoa('{}'), created: new Date(Date.now() + aheadMs).toISOString() }),
  )
  const { body } = await door.post('/v1/data', lines.join('\n'), { 'content-type': 'application/vnd.millrace.envelope+ndjson' })
  expect(body).toMatchObject({ accepted: 1, rejected: 1 })
  expect(body.receipts[1]).toMatchObject({
    code: 'DATUM_INVALID',
    issues: [{ path: 'created', message: expect.stringContaining('60000 ms') }],
  })
})

test('receipts=failures and Prefer: return=minimal leave out what went well', async () => {
  await using door = await open()
  const body = `${reading('a')}\nnonsense\n${reading('b')}`
  for (const answer of [
    await door.post('/v1/topics/demand/batch?receipts=failures', body, NDJSON),
    await door.post('/v1/topics/demand/batch', body, { ...NDJSON, prefer: 'return=minimal' }),
  ]) {
    expect(answer.body).toMatchObject({ accepted: 2, rejected: 1, receipts: [{ line: 2 }] })
    expect(answer.body.receipts).toHaveLength(1)
  }
})

test('a batch of which nothing can be taken is a problem that holds the receipts', async () => {
  await using door = await open()
  const { status, headers, body } = await door.post('/v1/topics/demand/batch', 'x\ny', NDJSON)
  expect(status).toBe(422)
  expect(headers.get('content-type')).toBe('application/problem+json')
  expect(body).toMatchObject({ code: 'DATUM_INVALID', accepted: 0, rejected: 2, receipts: [{ line: 1 }, { line: 2 }] })
})

test('each content type goes with its path', async () => {
  await using door = await open()
  expect(await door.post('/v1/topics/demand', reading('a'), NDJSON)).toMatchObject({
    status: 415,
    body: { code: 'CONTENT_TYPE_UNSUPPORTED' },
  })
  const image = await door.post('/v1/topics/frames/batch', 'x', { 'content-type': 'image/png' })
  expect(image).toMatchObject({ status: 415, body: { code: 'CONTENT_TYPE_UNSUPPORTED' } })
})

test('a schema that is asynchronous, throws, or a key function that does, rejects its datum and no other', async () => {
  const later = topic(
    'later',
    z.object({ n: z.number() }).refine(async value => value.n !== 2),
  )
  const thrower = topic(
    'thrower',
    z.unknown().refine(value => {
      if (value === 2) throw new Error('two')
      return true
    }),
  )
  const keyed = topic('keyed', z.object({ n: z.number() }), {
    key: ({ n }) => {
      if (n === 2) throw new Error('no key for 2')
      return n === 3 ? 'k'.repeat(2000) : `${n}`
    },
  })
  await using door = await open({ pipeline: pipeline('odd', { agents: [], topics: [later, thrower, keyed] }) })
  const objects = '{"n":1}\n{"n":2}\n{"n":4}'
  expect((await door.post('/v1/topics/later/batch', objects, NDJSON)).body).toMatchObject({
    accepted: 2,
    receipts: [{}, { status: 'rejected' }, {}],
  })
  expect(await door.post('/v1/topics/later', '{"n":2}')).toMatchObject({ status: 422 })
  expect(await door.post('/v1/topics/later', '{"n":1}')).toMatchObject({ status: 202 })
  expect((await door.post('/v1/topics/thrower/batch', '1\n2\n3', NDJSON)).body).toMatchObject({ accepted: 2, rejected: 1 })
  const { body } = await door.post('/v1/topics/keyed/batch', '{"n":1}\n{"n":2}\n{"n":3}', NDJSON)
  expect(body).toMatchObject({ accepted: 1, rejected: 2 })
  expect(body.receipts[1].detail).toContain('no key for 2')
  expect(body.receipts[2].detail).toContain('at most 1024 bytes')
  expect(door.reported).toEqual([])
})

test('thousands of lines are taken in one request, and each finds its way', async () => {
  await using door = await open()
  const { body } = await door.post('/v1/topics/demand/batch', Array.from({ length: 5000 }, (_, i) => reading(`s${i}`)).join('\n'), NDJSON)
  expect(body.accepted).toBe(5000)
  const stored = new Map((await door.stored('demand')).map(datum => [datum.dataId, JSON.parse(text(datum)).station]))
  for (const i of [0, 1, 499, 500, 501, 4999]) expect(stored.get(body.receipts[i].data_id)).toBe(`s${i}`)
})
