import assert from 'node:assert/strict'
import { systemClock } from '../clock.ts'
import { mintInto } from '../envelope/data-id.ts'
import { FrameWriter } from '../envelope/frame.ts'
import { bytes } from '../envelope/schema.ts'
import type { Roll, RollingStore } from '../storage/storage.ts'
import type { RecordBatch } from '../stream/stream.ts'
import { type Topic, topic } from '../stream/topic.ts'
import type { TestFramework } from './framework.ts'

/** One datum as the store holds it. */
export interface Stored {
  readonly topic: string
  readonly dataId: string
  readonly data: Uint8Array
}

/** A store under test. It holds envelopes (a datum's id can be read back) and is empty at first. */
export interface StoreUnderTest {
  readonly store: RollingStore
  /** Everything that its users find in it, in any order. */
  contents(): Promise<Stored[]>
  dispose(): Promise<void>
}

const CREATED_MS = Date.UTC(2026, 0, 31, 23, 30)
const HOUR_MS = 3_600_000

/**
 * What every {@link RollingStore} must keep to, against the real thing: writing a range again, however often, by however many, gives
 * the same; nothing of it is missing and nothing is there twice.
 */
export function storageSuite({ describe, it }: TestFramework, name: string, make: () => Promise<StoreUnderTest>): void {
  describe(`${name} as a store`, () => {
    const readings = topic('readings', bytes(), { key: () => '' })
    const alerts = topic('alerts', bytes())

    async function over(test: (tested: Tested) => Promise<void>): Promise<void> {
      const under = await make()
      const writer = await under.store.open(systemClock)
      try {
        await test({
          write: (roll, batches, signal) => writer.write({ ...ROLL, topic: readings, ...roll }, given(batches), signal ?? never()),
          another: () => under.store.open(systemClock),
          contents: under.contents,
        })
      } finally {
        await writer.close()
        await under.dispose()
      }
    }

    it('holds exactly the data of a roll, byte for byte', () =>
      over(async ({ write, contents }) => {
        const log = logOf(readings, 0, 500)
        const written = await write({ first: 0, end: 500 }, log.batches)
        assert.deepEqual(written.unstorable, [])
        assert.deepEqual(sorted(await contents()), sorted(log.data))
      }))

    it('adds up rolls that follow each other', () =>
      over(async ({ write, contents }) => {
        const first = logOf(readings, 0, 300)
        const second = logOf(readings, 300, 200)
        const other = logOf(readings, 0, 100)
        await write({ first: 0, end: 300 }, first.batches)
        await write({ first: 300, end: 500 }, second.batches)
        await write({ first: 0, end: 100, partition: 1 }, other.batches)
        assert.deepEqual(sorted(await contents()), sorted([...first.data, ...second.data, ...other.data]))
      }))

    it('holds a roll once, however often it is written', () =>
      over(async ({ write, contents }) => {
        const log = logOf(readings, 0, 400)
        const once = await write({ first: 0, end: 400 }, log.batches)
        const again = await write({ first: 0, end: 400, resumed: true }, log.batches)
        assert.deepEqual(again, once)
        assert.deepEqual(sorted(await contents()), sorted(log.data))
      }))

    it('holds a roll once when two writers are at it, one of which has lost its lease unawares', () =>
      over(async ({ write, another, contents }) => {
        const log = logOf(readings, 0, 400)
        const zombie = await another()
        const held = Promise.withResolvers<void>()
        const reading = Promise.withResolvers<void>()
        const slow = (async function* () {
          yield log.batches[0]!
          reading.resolve()
          await held.promise
          yield* log.batches.slice(1)
        })()
        const late = zombie.write({ ...ROLL, topic: readings, first: 0, end: 400 }, slow, never()).then(
          () => 'written',
          (error: { retryable?: boolean }) => (error.retryable === true ? 'failed, to be tried again' : String(error)),
        )
        await reading.promise
        await write({ first: 0, end: 400, resumed: true }, log.batches)
        held.resolve()
        const outcome = await late
        assert.ok(outcome === 'written' || outcome === 'failed, to be tried again', `The zombie failed otherwise: ${String(outcome)}`)
        await zombie.close()
        assert.deepEqual(sorted(await contents()), sorted(log.data))
      }))

    it('holds a roll that was aborted half-way whole, once it is written again', () =>
      over(async ({ write, contents }) => {
        const log = logOf(readings, 0, 400)
        const crash = new AbortController()
        const half = (function* () {
          yield log.batches[0]!
          crash.abort(new Error('crash'))
          yield* log.batches.slice(1)
        })()
        await assert.rejects(write({ first: 0, end: 400 }, half, crash.signal), /crash/)
        await write({ first: 0, end: 400, resumed: true }, log.batches)
        assert.deepEqual(sorted(await contents()), sorted(log.data))
      }))

    it('takes data of any time, late ones too', () =>
      over(async ({ write, contents }) => {
        const log = logOf(readings, 0, 90, i => CREATED_MS - (i % 9) * 12 * HOUR_MS)
        await write({ first: 0, end: 90 }, log.batches)
        assert.deepEqual(sorted(await contents()), sorted(log.data))
      }))

    it('holds replayed data as those of the topic they were first in', () =>
      over(async ({ write, contents }) => {
        const log = logOf(readings, 0, 10, undefined, 'alerts')
        const replay = { ...readings, name: '_replay.lake@1' }
        await write({ topic: replay, types: new Map([['alerts', alerts]]), first: 0, end: 10 }, log.batches)
        const stored = await contents()
        assert.deepEqual(
          stored.map(each => each.topic),
          Array(10).fill('alerts'),
        )
      }))

    it('says which data it cannot hold, and holds the others', () =>
      over(async ({ write, contents }) => {
        const log = logOf(readings, 0, 5, undefined, 'retired')
        const good = logOf(readings, 5, 5)
        const { unstorable } = await write({ first: 0, end: 10 }, [...log.batches, ...good.batches])
        assert.deepEqual(
          unstorable.map(each => each.offset),
          [0, 1, 2, 3, 4],
        )
        assert.match(unstorable[0]!.reason, /retired/)
        assert.deepEqual(sorted(await contents()), sorted(good.data))
      }))

    it('takes nothing that another agent wrote for its own', () =>
      over(async ({ write, contents }) => {
        const mine = logOf(readings, 0, 100)
        const theirs = logOf(readings, 0, 50)
        await write({ first: 0, end: 100, writer: '0000000a' }, mine.batches)
        await write({ first: 0, end: 50, writer: '0000000b' }, theirs.batches)
        assert.deepEqual(sorted(await contents()), sorted([...mine.data, ...theirs.data]))
      }))

    it('writes nothing for a range that retention has emptied', () =>
      over(async ({ write, contents }) => {
        const { files, unstorable } = await write({ first: 0, end: 100 }, [])
        assert.deepEqual({ files, unstorable }, { files: 0, unstorable: [] })
        assert.deepEqual(await contents(), [])
      }))
  })
}

interface Tested {
  write(
    roll: Partial<Roll>,
    batches: Iterable<RecordBatch>,
    signal?: AbortSignal,
  ): ReturnType<Awaited<ReturnType<RollingStore['open']>>['write']>
  another(): ReturnType<RollingStore['open']>
  contents(): Promise<Stored[]>
}

const ROLL = { partition: 0, first: 0, end: 0, writer: '01234567', resumed: false, types: new Map<string, Topic>() }

function never(): AbortSignal {
  return new AbortController().signal
}

async function* given(batches: Iterable<RecordBatch>): AsyncGenerator<RecordBatch> {
  yield* batches
}

/** Data of a partition from `first` on, some JSON, some text, some bytes, with what a store must hold of them. */
function logOf(of: Topic, first: number, count: number, createdMs: (i: number) => number = () => CREATED_MS, type = '') {
  const batches: RecordBatch[] = []
  const data: Stored[] = []
  const writer = new FrameWriter()
  let batchFirst = first
  for (let i = 0; i < count; i++) {
    const id = new Uint8Array(16)
    mintInto(id, 0, CREATED_MS)
    const [contentType, content] = contentOf(first + i)
    writer.add({
      id,
      idAt: 0,
      supplied: false,
      source: Buffer.from(`meter ${i % 3} "ü"`),
      createdMs: createdMs(i),
      contentType,
      type,
      key: `station-${i % 7}`,
      parents: i % 5 === 0 ? id : new Uint8Array(0),
      data: content,
    })
    const hex = Buffer.from(id).toString('hex')
    const dataId = `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`
    data.push({ topic: type || of.name, dataId, data: content })
    if (writer.count === 64 || i === count - 1) {
      const taken = writer.take()
      batches.push({ topic: of.name, partition: 0, first: batchFirst, appendedMs: CREATED_MS, ...taken })
      batchFirst += taken.count
    }
  }
  return { batches, data }
}

function contentOf(i: number): [string, Uint8Array] {
  if (i % 4 === 0) return ['application/octet-stream', Uint8Array.from({ length: 40 }, (_, at) => (at * 37 + i) % 256)]
  if (i % 4 === 1) return ['text/plain', Buffer.from(`line ${i}\r\nand another: "ü"`)]
  return ['application/json', Buffer.from(`{"station":"s${i % 7}","reading":${i},"note":"größer"}`)]
}

function sorted(stored: readonly Stored[]): unknown[] {
  return stored.map(({ topic: name, dataId, data }) => `${dataId} ${name} ${Buffer.from(data).toString('latin1')}`).sort()
}
