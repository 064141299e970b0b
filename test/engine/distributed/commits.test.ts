import { expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { DistributedLease } from '../../../src/engine/distributed/distributed-lease.ts'
import { DistributedEngine } from '../../../src/engine/distributed/index.ts'
import { PatientAppend } from '../../../src/engine/distributed/patient-append.ts'
import { MillraceError } from '../../../src/errors.ts'
import type { AppendBatch, Checkpoint, Lease } from '../../../src/stream/stream.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { Members } from '../../../src/testing/group-member.ts'
import { batch, readAll, spec } from '../../../src/testing/suite-data.ts'
import { CLAIMED_MS, DEMAND, FORECAST, move, unit } from '../../../src/testing/unit-of-work.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { Scene } from './scene.ts'

const GROUP = { name: 'forecast@2', edition: 2 }
const START: Checkpoint = { offset: 0, first: 0, done: 0, dead: 0, duplicate: 0, lost: 0, edition: 2 }
const settle = () => new Promise<void>(resolve => setImmediate(resolve))
const full = () => new MillraceError('OVERLOADED', 'full')

/** A lease in the hands of a test. */
function scripted() {
  const over = new AbortController()
  const committed: number[] = []
  const lease: Lease = {
    group: GROUP,
    partitions: [{ ...DEMAND, checkpoint: START }],
    signal: over.signal,
    fetch: async () => undefined,
    commit: async moves => {
      committed.push(...moves.map(({ checkpoint }) => checkpoint.offset))
    },
  }
  return { over, committed, lease: new DistributedLease(lease) }
}

it('a unit that failed before anything of it was there may be committed again, and so may those behind it', async () => {
  const { lease, committed } = scripted()
  const at = (to: number) => move({ ...START, offset: to - 1 }, to)
  const diskFull = Promise.reject(new MillraceError('DISK_FULL', 'full'))
  const steps = [lease.step([at(1)], diskFull, async () => {}), lease.step([at(2)], Promise.resolve(), async () => {})]
  const failed = await Promise.allSettled(steps)
  expect(failed.map(one => one.status === 'rejected' && one.reason.code)).toEqual(['DISK_FULL', 'LEASE_LOST'])
  await Promise.all([lease.commit([at(1)]), lease.commit([at(2)])])
  expect(committed).toEqual([1, 2])
})

it('a unit of whose append nobody knows ends its place for the lease', async () => {
  const { lease, committed } = scripted()
  const unknown = Promise.reject(new MillraceError('APPEND_UNKNOWN', 'silent'))
  await expect(lease.step([move(START, 1)], unknown, async () => {})).rejects.toMatchObject({ code: 'APPEND_UNKNOWN' })
  await expect(lease.commit([move(START, 1)])).rejects.toMatchObject({ code: 'LEASE_LOST' })
  expect(committed).toEqual([])
})

it('a stream that takes no more at once is waited for, and what comes later goes behind', async () => {
  const clock = new VirtualClock({ settle })
  let refusals = 3
  const taken: string[] = []
  const append = async ([first]: readonly AppendBatch[]) => {
    if (refusals-- > 0) throw full()
    taken.push(first!.topic)
    return []
  }
  const appends = new PatientAppend({ append }, clock)
  const { signal } = new AbortController()
  const one = appends.append([batch('one', 0, ['x'])], signal)
  const two = appends.append([batch('two', 0, ['x'])], signal)
  await settle()
  const three = appends.room.then(() => appends.append([batch('three', 0, ['x'])], signal))
  await clock.advance('5s')
  await Promise.all([one, two, three])
  expect(taken).toEqual(['one', 'two', 'three'])
})

it('the wait for room ends with the lease', async () => {
  const appends = new PatientAppend({ append: () => Promise.reject(full()) }, new VirtualClock({ settle }))
  const over = new AbortController()
  const waiting = appends.append([batch('one', 0, ['x'])], over.signal)
  const failed = expect(waiting).rejects.toMatchObject({ code: 'LEASE_LOST' })
  await settle()
  over.abort(new Error('The subscription was closed.'))
  await failed
})

it('an engine commits a unit although the stream was full, under the lease that it had', async () => {
  const scene = new Scene()
  const stream = scene.broker.connect()
  let refusals = 2
  const append = stream.append.bind(stream)
  Object.assign(stream, { append: (batches: readonly AppendBatch[]) => (refusals-- > 0 ? Promise.reject(full()) : append(batches)) })
  const engine = new DistributedEngine({ stream, trace: scene.trace, clock: systemClock })
  await engine.ensure([spec('demand'), spec('prediction')])
  await scene.broker.connect().append([batch('demand', 0, ['a'])])
  const members = new Members(engine)
  const lease = await members.join(GROUP, ['demand']).lease(1)
  const outputs = [batch('prediction', 0, ['b'])]
  await engine.commit(unit(lease, { outputs, checkpoints: [move(lease.partitions[0]!.checkpoint, 1)] }))
  expect(await readAll(engine, 'prediction', 0)).toEqual(['b'])
  await members.closeAll()
  await engine.close()
})

it('a claim that waits for the trace ends with the lease it is made under', async () => {
  const scene = new Scene()
  let asked = 0
  Object.assign(scene.trace, {
    claim: async () => {
      asked++
      throw new MillraceError('TRACE_UNAVAILABLE', 'away')
    },
  })
  const engine = scene.engine()
  await engine.ensure([spec('demand')])
  await engine.append([batch('demand', 0, ['a'])])
  const members = new Members(engine)
  await members.join(GROUP, ['demand']).lease(1)
  const claiming = engine.claim(FORECAST, await engine.read('demand', 0, 0, 1), 0, CLAIMED_MS)
  const failed = expect(claiming).rejects.toMatchObject({ code: 'LEASE_LOST' })
  await eventually('the trace was asked', () => (asked > 0 ? true : undefined))
  await members.closeAll()
  await failed
})
