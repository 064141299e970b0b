import { emptyResource } from '@opentelemetry/resources'
import { agent, bytes, pipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { mint, parseId } from '../../src/envelope/data-id.ts'
import { FrameWriter } from '../../src/envelope/frame.ts'
import type { Span, SpanExporter } from '../../src/instrumentation/exporters/otlp.ts'
import { SpanSender } from '../../src/instrumentation/exporters/span-sender.ts'
import { Tracer } from '../../src/instrumentation/exporters/tracer.ts'
import type { AppendBatch } from '../../src/stream/stream.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'
import type { Mark, TraceRecord } from '../../src/trace/trace.ts'

const settle = () => new Promise<void>(resolve => setImmediate(resolve))
const demand = topic('demand', bytes())
const agents = [
  agent('double', { version: 3, from: demand }, () => undefined),
  agent('late', { version: 1, from: demand }, () => undefined),
]
const grid = pipeline('grid', { agents })
const ID = mint(1_000_000)
const DONE: Mark = {
  ...{ name: 'double', version: 3, topic: 'demand', partition: 0, offset: 0, state: 'done', attempts: 1, outputs: [] },
  ...{ claimedMs: 1_000_020, finishedMs: 1_000_050 },
}

/** A log of one datum again and again, and a trace that says of it what a test says. */
function following(perSecond: number, exporter: Partial<SpanExporter> = {}) {
  const clock = new VirtualClock({ startMs: 1_000_000, settle })
  const sent: Span[] = []
  const outcomes = { sent: 0, failed: 0, dropped: 0 }
  const record: { marks: Mark[] } = { marks: [] }
  let looks = 0
  const writer = new FrameWriter(256)
  const [id, source] = [parseId(ID), Buffer.from('meter')]
  writer.add({
    ...{ id, idAt: 0, supplied: false, source, createdMs: 999_990, contentType: '', type: '', key: '' },
    ...{ parents: new Uint8Array(0), data: 'x', asciiText: true },
  })
  const { frames, ascii } = writer.take()
  const view = {
    read: async (name: string, partition: number, offset: number) => ({
      ...{ topic: name, partition, first: offset, count: 1, frames, ascii, appendedMs: 1_000_000 },
    }),
    find: async (): Promise<TraceRecord> => {
      looks++
      const positions = [{ topic: 'demand', partition: 0, offset: 0, appendedMs: 1_000_000 }]
      return { dataId: ID, positions, source: 'meter', createdMs: 999_990, parents: [], marks: record.marks }
    },
  }
  const sender = new SpanSender({
    exporter: { to: 'a test', send: async spans => void sent.push(...spans), close: async () => undefined, ...exporter },
    settled: (outcome, count) => {
      outcomes[outcome] += count
    },
  })
  const tracer = new Tracer({ view, madeOf: async () => [], sender, resource: emptyResource(), perSecond, clock })
  tracer.use(grid)
  let next = 0
  const stream = tracer.watching({
    append: async batches => {
      const first = next
      next += batches.length * 100
      return batches.map(({ count }, i) => ({ first: first + i * count, count, duplicates: [], taken: [] }))
    },
  })
  const batch: AppendBatch = { topic: 'demand', partition: 0, frames, count: 100, ascii }
  return { clock, sent, outcomes, record, tracer, looks: () => looks, append: () => stream.append([batch]) }
}

test('of a flood of data only so many a second are followed, however they come', async () => {
  const { clock, append, looks, tracer } = following(2)
  for (let second = 0; second < 10; second++) {
    for (let i = 0; i < 100; i++) await append()
    await clock.advance('1s')
  }
  await clock.advance('3s')
  expect(looks()).toBeGreaterThanOrEqual(20)
  // Each is looked at after 2, 4 and 8 s more.
  expect(looks()).toBeLessThanOrEqual(20 * 3)
  await tracer.close()
})

test('an agent’s steps go out once, when they are over, and a datum that is done is looked at no more', async () => {
  const { clock, append, sent, record, looks, outcomes, tracer } = following(1)
  await append()
  await clock.advance('3s')
  expect(sent.map(({ name }) => name)).toEqual(['accepted demand'])
  record.marks = [DONE]
  await clock.advance('1m')
  expect(sent.map(({ name }) => name)).toEqual(['accepted demand', 'wait for double@3', 'double@3'])
  expect(sent.map(span => [span.startTime, span.duration])).toEqual([
    [
      [999, 990_000_000],
      [0, 10_000_000],
    ],
    [
      [1_000, 0],
      [0, 20_000_000],
    ],
    [
      [1_000, 20_000_000],
      [0, 30_000_000],
    ],
  ])
  record.marks = [DONE, { ...DONE, name: 'late', version: 1 }]
  await clock.advance('2m')
  const asked = looks()
  expect([sent.slice(3).map(({ name }) => name), outcomes]).toEqual([['wait for late@1', 'late@1'], { sent: 5, failed: 0, dropped: 0 }])
  await clock.advance('5m')
  expect(looks()).toBe(asked)
  await tracer.close()
})

test('a receiver that answers nothing costs a bounded number of spans in memory; the others are dropped and counted', async () => {
  const never = new Promise<void>(() => undefined)
  const { clock, append, record, outcomes, tracer } = following(100, { send: () => never })
  record.marks = [DONE, { ...DONE, name: 'late', version: 1 }]
  for (let second = 0; second < 40; second++) {
    for (let i = 0; i < 100; i++) await append()
    await clock.advance('1s')
  }
  expect(outcomes.sent).toBe(0)
  expect(outcomes.dropped).toBeGreaterThan(5_000)
  // A process that stops is not held up by it.
  const closing = tracer.close()
  await clock.advance('1s')
  await closing
})

test('where the trace is away a datum is looked at again, and given up after a quarter of an hour', async () => {
  const { clock, append, looks, tracer } = following(1)
  await append()
  await clock.advance('1h')
  const asked = looks()
  expect(asked).toBeGreaterThan(10)
  await clock.advance('1h')
  expect(looks()).toBe(asked)
  await tracer.close()
})
