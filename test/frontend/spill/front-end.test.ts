import { expect, test } from 'vitest'
import { open as openDoor } from '../door.ts'
import { direct, MB, spills } from './spills.ts'

const { open } = spills()
const READING = '{"station":"a","megawatts":1}'
const TOPICS = [
  { name: 'demand', partitions: 4 },
  { name: 'notes', partitions: 4 },
]

test('while the stream is away producers are answered 202, health says what is kept back, and it stays ready', async () => {
  const opened = await open({ topics: TOPICS })
  const { spill, stream } = opened
  await using door = await openDoor({ stream: spill, spill })
  stream.behaviour = 'away'
  expect((await door.post('/v1/topics/demand', READING)).status).toBe(202)
  const batch = await door.post('/v1/topics/demand/batch', `${READING}\n${READING}`, { 'content-type': 'application/x-ndjson' })
  expect(batch).toMatchObject({ status: 202, body: { accepted: 2 } })
  expect(door.front.health()).toMatchObject({
    ready: true,
    reason: expect.stringMatching(/^spilling: 3 data \([\d.]+ k?B of 100 MB\) since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ; No broker answers\.$/),
  })
  stream.behaviour = 'up'
  await direct(opened)
  expect(door.front.health()).toMatchObject({ ready: true })
  expect(door.front.health().reason).toBeUndefined()
  expect([0, 1, 2, 3].flatMap(partition => stream.texts('demand', partition))).toEqual([READING, READING, READING])
})

test('when the spill is full producers are told 503 and when to come back, and it is not ready', async () => {
  const opened = await open({ topics: TOPICS, maxBytes: 2 * MB })
  const { spill, stream } = opened
  await using door = await openDoor({ stream: spill, spill })
  stream.behaviour = 'away'
  const note = JSON.stringify({ text: 'x'.repeat(300_000) })
  let answer = await door.post('/v1/topics/notes', note)
  for (let i = 0; i < 20 && answer.status === 202; i++) answer = await door.post('/v1/topics/notes', note)
  expect(answer).toMatchObject({ status: 503, body: { code: 'OVERLOADED', retryable: true, receipt: 'retry' } })
  expect(answer.body.detail).toContain('the spill is full')
  expect(answer.headers.get('retry-after')).toBe('10')
  expect(door.front.health()).toMatchObject({ ready: false, reason: expect.stringContaining('the spill is full') })
  stream.behaviour = 'up'
  await direct(opened)
  expect((await door.post('/v1/topics/notes', note)).status).toBe(202)
  expect(door.front.health().ready).toBe(true)
})
