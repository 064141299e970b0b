import { expect, test } from 'vitest'
import { MillraceError } from '../../src/errors.ts'
import type { AppendBatch, Appended } from '../../src/stream/stream.ts'
import { open, until } from './door.ts'

const READING = '{"station":"a","megawatts":1}'
const BATCH = `${READING}\nbad\n${READING}`
const NDJSON = { 'content-type': 'application/x-ndjson' }

/** A stream that answers when it is told to, and with what. */
class HeldStream {
  readonly waiting: { batches: readonly AppendBatch[]; resolve(): void; reject(error: unknown): void }[] = []

  append(batches: readonly AppendBatch[]): Promise<Appended[]> {
    return new Promise((resolve, reject) => {
      const stored = () => resolve(batches.map(batch => ({ first: 0, count: batch.count, duplicates: [], taken: [] })))
      this.waiting.push({ batches, resolve: stored, reject })
    })
  }

  /** Stores whatever comes until the answers are there. */
  async release<T>(answers: Promise<T>): Promise<T> {
    let isDone = false
    void answers.finally(() => {
      isDone = true
    })
    await until(() => {
      for (const { resolve } of this.waiting) resolve()
      return isDone
    })
    return answers
  }
}

test('nothing is acknowledged before the stream has it', async () => {
  const stream = new HeldStream()
  await using door = await open({ stream })
  let answered = 0
  const one = door.post('/v1/topics/demand', READING).finally(() => answered++)
  await until(() => stream.waiting.length === 1)
  const batch = door.post('/v1/topics/demand/batch', READING, NDJSON).finally(() => answered++)
  await until(() => stream.waiting.length === 2)
  expect(answered).toBe(0)
  stream.waiting[1]!.resolve()
  expect((await batch).status).toBe(202)
  expect(answered).toBe(1)
  stream.waiting[0]!.resolve()
  expect((await one).status).toBe(202)
})

test('data that arrive while the stream is busy go together', async () => {
  const stream = new HeldStream()
  await using door = await open({ stream })
  const answers: Promise<unknown>[] = []
  const send = async (count: number) => {
    answers.push(door.post('/v1/topics/demand', READING))
    await until(() => door.front.health().inFlightRequests === count)
  }
  await send(1)
  await until(() => stream.waiting.length === 1)
  for (let i = 2; i <= 11; i++) await send(i)
  expect(stream.waiting).toHaveLength(1)
  stream.waiting[0]!.resolve()
  await until(() => stream.waiting.length === 2)
  expect(stream.waiting[1]!.batches.reduce((sum, batch) => sum + batch.count, 0)).toBe(10)
  for (const { resolve } of stream.waiting) resolve()
  await Promise.all(answers)
})

test('what the stream refuses is to be sent again: 503 or 507, when, and why, for one and for a batch', async () => {
  const stream = new HeldStream()
  await using door = await open({ stream })
  const failures: [unknown, number, string][] = [
    [new MillraceError('OVERLOADED', 'behind'), 503, 'OVERLOADED'],
    [new MillraceError('APPEND_UNKNOWN', 'unknown'), 503, 'APPEND_UNKNOWN'],
    [new MillraceError('DISK_FULL', 'full'), 507, 'DISK_FULL'],
    [new MillraceError('ENGINE_CLOSED', 'closed'), 503, 'ENGINE_CLOSED'],
    [new MillraceError('ENGINE_FAILED', 'failed'), 503, 'ENGINE_FAILED'],
    [new MillraceError('TOPIC_UNKNOWN', 'not made yet'), 503, 'APPEND_UNKNOWN'],
    [new Error('what nobody expected'), 503, 'APPEND_UNKNOWN'],
  ]
  for (const [error, status, code] of failures) {
    const one = door.post('/v1/topics/demand', READING)
    const batch = door.post('/v1/topics/demand/batch', BATCH, NDJSON)
    await until(() => stream.waiting.length === 2)
    for (const { reject } of stream.waiting.splice(0)) reject(error)
    expect(await one).toMatchObject({ status, body: { code, retryable: true, receipt: 'retry' } })
    const answer = await batch
    expect(answer).toMatchObject({ status, body: { code, accepted: 0, retry: 2, rejected: 1 } })
    expect(answer.body.receipts.map((receipt: { status: string }) => receipt.status)).toEqual(['retry', 'rejected', 'retry'])
    expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
    expect(door.front.health()).toMatchObject({ ready: false, reason: expect.any(String) })
  }
  expect(door.facts.reduce((sum, fact) => sum + fact.retry, 0)).toBe(failures.length * 3)
  const again = door.post('/v1/topics/demand', READING)
  await until(() => stream.waiting.length === 1)
  stream.waiting[0]!.resolve()
  expect((await again).status).toBe(202)
  expect(door.front.health().ready).toBe(true)
})

test('inFlightRequests: more are told to come again, and later ones are taken', async () => {
  const stream = new HeldStream()
  await using door = await open({ stream, limits: { inFlightRequests: 2 } })
  const held = [door.post('/v1/topics/demand', READING), door.post('/v1/topics/demand', READING)]
  await until(() => door.front.health().inFlightRequests === 2)
  const refused = await door.post('/v1/topics/demand', READING)
  expect(refused).toMatchObject({ status: 503, body: { code: 'OVERLOADED' } })
  expect(refused.headers.get('retry-after')).toBe('1')
  expect((await stream.release(Promise.all(held))).map(answer => answer.status)).toEqual([202, 202])
  expect((await stream.release(door.post('/v1/topics/demand', READING))).status).toBe(202)
})

test('inFlightBytes: bodies beyond it are refused, and what goes away gives its share back', async () => {
  const stream = new HeldStream()
  await using door = await open({ stream, limits: { inFlightBytes: 1000 } })
  // Declares 900 bytes and sends none.
  const waiting = door.connect().send('POST /v1/topics/notes HTTP/1.1\r\nhost: localhost\r\ncontent-length: 900\r\n\r\n')
  await until(() => door.front.health().inFlightBytes === 900)
  const big = `{"a":"${'x'.repeat(200)}"}`
  expect(await door.post('/v1/topics/notes', big)).toMatchObject({ status: 503, body: { code: 'OVERLOADED' } })
  waiting.socket.destroy()
  await until(() => door.front.health().inFlightBytes === 0)
  expect(door.front.health().inFlightRequests).toBe(0)
  const taken = door.post('/v1/topics/notes', big)
  await until(() => stream.waiting.length === 1)
  stream.waiting[0]!.resolve()
  expect((await taken).status).toBe(202)
  expect(door.front.health()).toMatchObject({ inFlightBytes: 0, inFlightRequests: 0 })
})

test('a producer that goes away after its request still has its datum stored, and nothing is left in hand', async () => {
  const stream = new HeldStream()
  await using door = await open({ stream })
  const raw = door
    .connect()
    .send(`POST /v1/topics/demand HTTP/1.1\r\nhost: localhost\r\ncontent-length: ${READING.length}\r\n\r\n${READING}`)
  await until(() => stream.waiting.length === 1)
  raw.socket.destroy()
  await until(() => door.front.health().connections === 0)
  stream.waiting[0]!.resolve()
  await until(() => door.front.health().inFlightRequests === 0)
  expect(door.facts).toMatchObject([{ accepted: 1 }])
})
