import { randomBytes } from 'node:crypto'
import { expect, it } from 'vitest'
import { SNAPSHOTS } from '../../../src/engine/distributed/internal-topics.ts'
import { Snapshots } from '../../../src/engine/distributed/snapshots.ts'
import type { Snapshot } from '../../../src/engine/engine.ts'
import { MemoryBroker } from '../../../src/stream/adapters/memory/index.ts'
import type { AppendBatch, GroupedStream } from '../../../src/stream/stream.ts'
import { Members } from '../../../src/testing/group-member.ts'
import { batch, spec } from '../../../src/testing/suite-data.ts'
import { DEMAND, move, unit } from '../../../src/testing/unit-of-work.ts'
import { LaggingReader } from '../../stream/lagging.ts'
import { Scene } from './scene.ts'

const GROUP = 'forecast@2'
const snapshotAt = (offset: number, bytes: Uint8Array, group = GROUP): Snapshot => ({ ...DEMAND, group, offset, bytes })
const isSame = (snapshot: Snapshot | undefined, bytes: Uint8Array) => Buffer.compare(Buffer.from(snapshot?.bytes ?? []), bytes) === 0

async function open(): Promise<GroupedStream> {
  const stream = new MemoryBroker().connect()
  await stream.ensure([SNAPSHOTS])
  return stream
}

it('one of 40 MB goes in batches of about a megabyte, few at once, and comes back as it was', async () => {
  const stream = await open()
  const bytes = randomBytes(40_000_000)
  const appends: number[][] = []
  const append = (batches: readonly AppendBatch[]) => {
    appends.push(batches.map(({ frames }) => frames.length))
    return stream.append(batches)
  }
  const pointer = await new Snapshots(stream).append(snapshotAt(3, bytes), 0, append)
  expect(Math.max(...appends.flat())).toBeLessThan(1_048_576)
  expect(Math.max(...appends.map(batches => batches.reduce((sum, size) => sum + size, 0)))).toBeLessThan(16 * 1_048_576)
  expect(isSame(await new Snapshots(stream).read(GROUP, DEMAND, pointer, 3), bytes)).toBe(true)
})

it('is whole also where others are written between its chunks, by its group or another', async () => {
  const stream = await open()
  const bytes = randomBytes(20_000_000)
  const pointer = await new Snapshots(stream).append(snapshotAt(3, bytes), 0, async batches => {
    const appended = await stream.append(batches)
    await new Snapshots(stream).append(snapshotAt(3, randomBytes(2_000_000)), 0)
    await new Snapshots(stream).append(snapshotAt(9, randomBytes(10), 'other@1'), 0)
    return appended
  })
  expect(isSame(await new Snapshots(stream).read(GROUP, DEMAND, pointer, 3), bytes)).toBe(true)
})

it('where the pointer leads nowhere the last whole one of the group is taken, none that stands for more than is committed', async () => {
  const stream = await open()
  const bytes = randomBytes(3_000_000)
  const snapshots = new Snapshots(stream)
  await snapshots.append(snapshotAt(2, randomBytes(10)), 0)
  await snapshots.append(snapshotAt(4, bytes), 0)
  await snapshots.append(snapshotAt(5, randomBytes(3_000_000)), 0, batches => stream.append(batches.slice(0, 2)))
  await snapshots.append(snapshotAt(8, randomBytes(10)), 0)
  const found = await new Snapshots(stream).read(GROUP, DEMAND, 1, 5)
  expect([found?.offset, isSame(found, bytes)]).toEqual([4, true])
})

it('is found although a new leader does not show it at once', async () => {
  const stream = await open()
  const bytes = randomBytes(3_000_000)
  const pointer = await new Snapshots(stream).append(snapshotAt(3, bytes), 0)
  const lagging = new LaggingReader(stream, 1, 2)
  const shown = {
    append: stream.append.bind(stream),
    bounds: stream.bounds.bind(stream),
    appendedMs: stream.appendedMs.bind(stream),
    read: lagging.read.bind(lagging),
  }
  expect(isSame(await new Snapshots(shown).read(GROUP, DEMAND, pointer, 3), bytes)).toBe(true)
})

it('without a pointer, for the offset was set by hand, the last whole one up to it is taken, unless the topic was made anew since', async () => {
  const stream = await open()
  await stream.ensure([spec('demand')])
  await stream.append([batch('demand', 0, ['a', 'b', 'c'])])
  const bytes = randomBytes(10)
  const longAgo = Date.now() - 3_600_000
  await new Snapshots(stream).append(snapshotAt(1, bytes), Date.now())
  await new Snapshots(stream).append(snapshotAt(2, randomBytes(10)), longAgo)
  await new Snapshots(stream).append(snapshotAt(3, randomBytes(10)), Date.now())
  expect(isSame(await new Snapshots(stream).read(GROUP, DEMAND, undefined, 1), bytes)).toBe(true)
  expect(await new Snapshots(stream).read(GROUP, DEMAND, undefined, 2)).toBeUndefined()
})

it('where the offset was set by hand it is looked for until there is a new one, and commits say from where the fold is', async () => {
  const scene = new Scene()
  const engine = scene.engine()
  await engine.ensure([spec('demand')])
  await engine.append([batch('demand', 0, ['a', 'b', 'c', 'd'])])
  const members = new Members(engine)
  const group = { name: GROUP, edition: 2 }
  const stood = async () => (await scene.broker.connect().places()).find(place => place.group === GROUP)?.checkpoint
  const first = await members.join(group, ['demand']).lease(1)
  const bytes = randomBytes(10)
  await engine.commit(unit(first, { snapshots: [snapshotAt(1, bytes)], checkpoints: [move(first.partitions[0]!.checkpoint, 1)] }))
  await members.closeAll()

  scene.broker.group(GROUP).setByHand(DEMAND, 2)
  const second = await members.join(group, ['demand']).lease(1)
  const { checkpoint } = second.partitions[0]!
  expect(checkpoint).toMatchObject({ offset: 2, first: 2, foldFrom: 0, done: 0 })
  expect(isSame(await engine.snapshot(GROUP, DEMAND), bytes)).toBe(true)
  await engine.commit(unit(second, { checkpoints: [move(checkpoint, 3)] }))
  expect(await stood()).toMatchObject({ offset: 3, first: 2, foldFrom: 0 })
  expect(isSame(await engine.snapshot(GROUP, DEMAND), bytes)).toBe(true)
  await engine.commit(
    unit(second, { snapshots: [snapshotAt(4, randomBytes(10))], checkpoints: [move({ ...checkpoint, offset: 3, done: 1 }, 4)] }),
  )
  expect(Object.keys((await stood())!).toSorted()).toEqual(['dead', 'done', 'duplicate', 'edition', 'first', 'lost', 'offset', 'snapshot'])
  await members.closeAll()
})

it('of a group whose place was taken over is not the new group’s, and is looked for once and not at each lease', async () => {
  const scene = new Scene()
  const engine = scene.engine()
  await engine.ensure([spec('demand')])
  await engine.append([batch('demand', 0, ['a', 'b', 'c'])])
  const members = new Members(engine)
  const old = await members.join({ name: GROUP, edition: 2 }, ['demand']).lease(1)
  const snapshots = [snapshotAt(1, randomBytes(10))]
  await engine.commit(unit(old, { snapshots, checkpoints: [move(old.partitions[0]!.checkpoint, 1)] }))
  const taken = { name: 'forecast@3', edition: 3, replaces: GROUP }
  const lease = await members.join(taken, ['demand']).lease(1)
  expect(lease.partitions[0]!.checkpoint.snapshot).toBeDefined()
  expect(await engine.snapshot('forecast@3', DEMAND)).toBeUndefined()
  await lease.commit([move(lease.partitions[0]!.checkpoint, 2)])
  const place = (await scene.broker.connect().places()).find(({ group }) => group === 'forecast@3')
  expect(place?.checkpoint).toMatchObject({ offset: 2 })
  expect(place?.checkpoint.snapshot).toBeUndefined()
  await members.closeAll()
})
