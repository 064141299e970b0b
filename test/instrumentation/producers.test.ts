import { expect, test } from 'vitest'
import { Producers } from '../../src/instrumentation/producers.ts'
import { OTHERS } from '../../src/instrumentation/recorder.ts'

const ingest = (source: string) => ({ topic: 't', source, accepted: 2, duplicate: 0, rejected: 1, retry: 0, bytes: 9, durationMs: 1 })
const reject = (reason: string) => ({ source: 's', unrouted: 0, requests: 0, reasons: [{ reason, count: 3, sample: reason }] })

test('sources beyond the thousandth are counted together', () => {
  const producers = new Producers(0)
  for (let i = 0; i < 1_500; i++) producers.ingest(ingest(`s${i}`), 't', i)
  const read = producers.read(1_500)
  expect(read).toHaveLength(1_001)
  expect(read[0]).toMatchObject({ source: OTHERS, accepted: 1_000, rejected: 500, lastSeenMs: 1_499 })
})

test('of a source’s reasons the twenty that came last are told apart, and none is lost from the count', () => {
  const producers = new Producers(0)
  for (let i = 0; i < 30; i++) producers.reject(reject(`r${i}`), i)
  producers.reject(reject('r29'), 30)
  const [{ reasons }] = producers.read(30) as [ReturnType<Producers['read']>[number]]
  expect(reasons).toHaveLength(20)
  expect(reasons[0]).toEqual({ reason: 'r29', count: 6, sample: 'r29', atMs: 30 })
  expect(reasons.at(-1)).toEqual({ reason: OTHERS, count: 33, sample: null, atMs: 10 })
  expect(reasons.reduce((sum, { count }) => sum + count, 0)).toBe(93)
})
