import { expect, test } from 'vitest'
import { ExactRange } from '../../src/storage/exact-range.ts'
import { lettersOf } from '../../src/storage/letters.ts'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import { knownRange } from '../../src/stream/known-range.ts'
import type { RecordBatch, Stream } from '../../src/stream/stream.ts'
import { batch, dataOf, spec, texts } from '../../src/testing/suite-data.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import { LaggingReader } from './lagging.ts'

const PLACE = { topic: 'demand', partition: 0 }
const RANGE = { first: 1, end: 5 }

/** Six data in batches of two. */
async function six(): Promise<Stream> {
  const stream = new MemoryBroker().connect()
  await stream.ensure([spec('demand')])
  for (const name of ['a', 'b', 'c']) await stream.append([batch('demand', 0, texts(name, 2))])
  return stream
}

async function offsetsOf(batches: AsyncIterable<RecordBatch>): Promise<number[]> {
  const offsets: number[] = []
  for await (const one of batches) offsets.push(...dataOf(one).map(({ offset }) => offset))
  return offsets
}

/** Says that retention has been up to an offset. */
function retained(stream: Stream, first: number): Pick<Stream, 'read'> {
  return { read: (topic, partition, from, maxBytes) => stream.read(topic, partition, Math.max(from, first), maxBytes) }
}

test('a range holds what lies in it and nothing else', async () => {
  expect(await offsetsOf(knownRange(await six(), PLACE, RANGE, { readBytes: 1 }))).toEqual([1, 2, 3, 4])
})

test('what a broker does not show for a moment is waited for: a roll writes all of its range', async () => {
  const range = new ExactRange(new LaggingReader(await six(), 2, 3), PLACE, RANGE)
  expect(await offsetsOf(range)).toEqual([1, 2, 3, 4])
  expect(range.present).toEqual([RANGE])
})

test('what a store cannot hold has its letter, also where the broker does not show it at once', async () => {
  const lagging = new LaggingReader(await six(), 0, 2)
  const letters = await lettersOf(lagging, { name: 'lake', version: 1 }, PLACE, [{ offset: 3, reason: 'too wide' }], 0)
  expect(letters.map(({ offset }) => offset)).toEqual([3])
})

test('what retention has taken is left out', async () => {
  expect(await offsetsOf(knownRange(retained(await six(), 4), PLACE, RANGE, { readBytes: 1 }))).toEqual([4])
  const nothingLeft = retained(await six(), 6)
  expect(await offsetsOf(knownRange(nothingLeft, PLACE, { first: 1, end: 6 }, { readBytes: 1 }))).toEqual([])
})

test('a broker that goes on to show nothing is an error that may be tried again, after a bounded time', async () => {
  const clock = new VirtualClock({ settle: () => new Promise(resolve => setImmediate(resolve)) })
  const lagging = new LaggingReader(await six(), 2, Number.POSITIVE_INFINITY)
  const reading = offsetsOf(knownRange(lagging, PLACE, RANGE, { readBytes: 1, clock }))
  const failed = expect(reading).rejects.toMatchObject({ code: 'STREAM_UNAVAILABLE', retryable: true })
  await clock.advance(60_000)
  await failed
})

test('the waiting ends with its signal', async () => {
  const lagging = new LaggingReader(await six(), 2, Number.POSITIVE_INFINITY)
  const signal = AbortSignal.abort(new Error('The lease has ended.'))
  await expect(offsetsOf(knownRange(lagging, PLACE, RANGE, { readBytes: 1, signal }))).rejects.toThrow('The lease has ended.')
})
