import { expect, test } from 'vitest'
import type { Engine } from '../../../src/engine/engine.ts'
import { isMillraceError } from '../../../src/errors.ts'
import { GroupMember } from '../../../src/testing/group-member.ts'
import { refused } from '../../../src/testing/refusal.ts'
import { batch, readAll, spec } from '../../../src/testing/suite-data.ts'
import { move, unit } from '../../../src/testing/unit-of-work.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { dataDirectories } from './data-directory.ts'

const { directory, open } = dataDirectories()
const MB = 1_000_000
const LARGE = 'x'.repeat(100_000)

/** Appends until the engine says that it is full. @returns the data acknowledged. */
async function fill(engine: Engine): Promise<string[]> {
  const acknowledged: string[] = []
  for (;;) {
    const text = `${acknowledged.length}:${LARGE}`
    try {
      await engine.append([batch('demand', 0, [text])])
    } catch (error) {
      if (!isMillraceError(error, 'DISK_FULL')) throw error
      return acknowledged
    }
    acknowledged.push(text)
  }
}

test('when the disk is full appends are refused as DISK_FULL, and everything acknowledged is there', async () => {
  const engine = await open({ directory: directory(), maxBytes: 2 * MB })
  await engine.ensure([spec('demand')])
  const acknowledged = await fill(engine)
  expect(acknowledged.length).toBeGreaterThan(5)
  expect(await readAll(engine, 'demand', 0)).toEqual(acknowledged)
  expect(await engine.bounds('demand')).toEqual([{ first: 0, next: acknowledged.length }])
})

test('appends go on from the same offset once the limit is raised', async () => {
  const at = directory()
  const small = await open({ directory: at, maxBytes: 2 * MB })
  await small.ensure([spec('demand')])
  const acknowledged = await fill(small)
  await small.close()
  const engine = await open({ directory: at, maxBytes: 4 * MB })
  const [appended] = await engine.append([batch('demand', 0, ['after'])])
  expect(appended?.first).toBe(acknowledged.length)
  expect(await readAll(engine, 'demand', 0)).toEqual([...acknowledged, 'after'])
})

test('appends go on when retention has made room', async () => {
  const clock = new VirtualClock({ startMs: Date.now() })
  const engine = await open({ directory: directory(), maxBytes: 2 * MB, clock })
  await engine.ensure([{ ...spec('demand'), retentionMs: 60_000 }])
  const acknowledged = await fill(engine)
  await clock.advance('2m')
  const [appended] = await engine.append([batch('demand', 0, [LARGE])])
  expect(appended?.first).toBe(acknowledged.length)
  expect(await engine.bounds('demand')).toEqual([{ first: acknowledged.length, next: acknowledged.length + 1 }])
})

test('a unit of work that does not fit leaves its lease, its checkpoint and nothing of itself behind', async () => {
  const engine = await open({ directory: directory(), maxBytes: 2 * MB })
  await engine.ensure([spec('demand'), spec('prediction')])
  const member = new GroupMember(engine, { name: 'forecast@2', edition: 2 }, ['demand'])
  const lease = await member.lease(1)
  await fill(engine)
  const { checkpoint } = lease.partitions[0]!
  const tooLarge = unit(lease, { outputs: [batch('prediction', 0, [LARGE, LARGE])], checkpoints: [move(checkpoint, 1)] })
  await refused('a unit that does not fit', 'DISK_FULL', () => engine.commit(tooLarge))
  expect(lease.signal.aborted).toBe(false)
  expect(await engine.bounds('prediction')).toEqual([{ first: 0, next: 0 }])
  await engine.commit(unit(lease, { checkpoints: [move(checkpoint, 1)] }))
  expect((await engine.standings())[0]?.checkpoint.offset).toBe(1)
  await member.close()
})

test('a unit sent after one that did not fit is refused, and a new lease says where the group stands', async () => {
  const engine = await open({ directory: directory(), maxBytes: 2 * MB })
  await engine.ensure([spec('demand'), spec('prediction')])
  const member = new GroupMember(engine, { name: 'forecast@2', edition: 2 }, ['demand'])
  const lease = await member.lease(1)
  await fill(engine)
  const { checkpoint } = lease.partitions[0]!
  const first = move(checkpoint, 1)
  const tooLarge = unit(lease, { outputs: [batch('prediction', 0, [LARGE, LARGE])], checkpoints: [first] })
  await refused('a unit that does not fit', 'DISK_FULL', () => engine.commit(tooLarge))
  await refused('the next', 'LEASE_LOST', () => engine.commit(unit(lease, { checkpoints: [move(first.checkpoint, 2)] })))
  expect(lease.signal.aborted).toBe(true)
  expect((await member.lease(1)).partitions[0]?.checkpoint.offset).toBe(0)
  await member.close()
})
