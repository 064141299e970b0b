import { expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { DistributedEngine } from '../../src/engine/distributed/index.ts'
import { bytes } from '../../src/envelope/schema.ts'
import { pipeline, storageAgent, topic } from '../../src/index.ts'
import { silentRecorder } from '../../src/instrumentation/recorder.ts'
import { runStorageAgent } from '../../src/storage/roller.ts'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import { eventually } from '../../src/testing/framework.ts'
import { MemoryStore } from '../../src/testing/memory-store.ts'
import { batch } from '../../src/testing/suite-data.ts'
import { openMemoryTrace } from '../../src/trace/adapters/memory/index.ts'

const numbers = topic('numbers', bytes(), { partitions: 1 })
const ID = (n: number) => `01941f29-7c00-7a5e-8c3b-${String(n).padStart(12, '0')}`

/** A storage agent that rolls every four positions, on a stream that holds copies. */
function scene() {
  const broker = new MemoryBroker()
  const trace = openMemoryTrace()
  const store = new MemoryStore({ records: 4, bytes: 1e9, ageMs: 1e9 })
  const lake = storageAgent('lake', { version: 1, from: numbers, to: store })
  const stream = broker.connect()
  return {
    store,
    append: (ids: readonly number[]) =>
      stream.append([
        batch(
          'numbers',
          0,
          ids.map(n => ({ text: String(n), id: ID(n) })),
          'application/octet-stream',
        ),
      ]),
    ensure: () => stream.ensure([numbers.spec]),
    run() {
      const engine = new DistributedEngine({ stream: broker.connect(), trace, clock: systemClock })
      const running = runStorageAgent(
        lake,
        pipeline('p', { agents: [lake] }),
        { engine, clock: systemClock, recorder: silentRecorder },
        { store },
      )
      onTestFinished(async () => {
        await running.crash()
        await engine.close()
      })
      return running
    },
    /** Another place for the group, as an operator's tool sets it: without counts. */
    async setBackTo(offset: number) {
      const operator = broker.connect()
      const subscription = operator.subscribe({ name: 'lake@1', edition: 1 }, ['numbers'], 'earliest')
      for await (const lease of subscription) {
        const [{ checkpoint } = fail()] = lease.partitions
        const counts = { first: offset, done: 0, dead: 0, duplicate: 0, lost: 0 }
        await lease.commit([{ topic: 'numbers', partition: 0, from: checkpoint.offset, checkpoint: { ...checkpoint, ...counts, offset } }])
        break
      }
      await subscription.close()
      await operator.close()
    },
    /** Resolves with the checkpoint once it stands at `offset`. */
    standsAt: (offset: number) =>
      eventually(`the lake stands at ${offset}`, async () => {
        const place = (await stream.places()).find(at => at.group === 'lake@1' && at.topic === 'numbers')
        return place?.checkpoint.offset === offset ? place.checkpoint : undefined
      }),
  }
}

function fail(): never {
  throw new Error('The group has no partition')
}

const stored = (store: MemoryStore) => store.stored.map(({ value }) => Number(Buffer.from(value as Uint8Array))).sort((a, b) => a - b)

it('a copy is stored once, whether it stands in the same roll or in a later one', async () => {
  const { store, append, ensure, run, standsAt } = scene()
  await ensure()
  await append([1, 2, 1, 3])
  await append([2, 4, 5, 3])
  run()
  expect(await standsAt(8)).toMatchObject({ done: 5, duplicate: 3, lost: 0, dead: 0 })
  expect(stored(store)).toEqual([1, 2, 3, 4, 5])
})

it('a roll that is written again, after another agent or the same has gone on, stores what it stored the first time', async () => {
  const { store, append, ensure, run, standsAt } = scene()
  await ensure()
  await append([1, 2, 1, 3])
  const first = run()
  await standsAt(4)
  await first.crash()
  const before = stored(store)
  await append([2, 3, 4, 5])
  run()
  expect(await standsAt(8)).toMatchObject({ done: 5, duplicate: 3 })
  expect(before).toEqual([1, 2, 3])
  expect(stored(store)).toEqual([1, 2, 3, 4, 5])
})

it('a place that was set back passes what is stored already, however its rolls would be cut now', async () => {
  const { store, append, ensure, run, setBackTo, standsAt } = scene()
  await ensure()
  await append([1, 2, 3, 4])
  await append([5, 6, 7, 8])
  const first = run()
  await standsAt(8)
  await first.crash()
  await setBackTo(3)
  await append([9, 10])
  await append([11, 12])
  run()
  expect(await standsAt(12)).toMatchObject({ first: 3, done: 9, duplicate: 0, lost: 0 })
  expect(stored(store)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12])
})
