import { expect, test } from 'vitest'
import { CommitQueue } from '../../src/agents/commit-queue.ts'
import type { UnitOfWork } from '../../src/engine/engine.ts'
import { MillraceError } from '../../src/errors.ts'
import { VirtualClock } from '../../src/testing/virtual-clock.ts'

const unit = (from: number, offset: number): UnitOfWork => ({
  lease: {
    group: { name: 'a@1', edition: 1 },
    partitions: [],
    signal: new AbortController().signal,
    fetch: async () => undefined,
    commit: async () => {},
  },
  agent: { name: 'a', version: 1 },
  outputs: [],
  letters: [],
  marks: [],
  cache: [],
  snapshots: [],
  checkpoints: [
    { topic: 't', partition: 0, from, checkpoint: { offset, first: 0, done: offset, dead: 0, duplicate: 0, lost: 0, edition: 1 } },
  ],
})
const diskFull = () => new MillraceError('DISK_FULL', 'full')
const leaseLost = () => new MillraceError('LEASE_LOST', 'moved')

function scene() {
  const clock = new VirtualClock()
  const calls: { from: number; resolve: () => void; reject: (error: Error) => void }[] = []
  const landed: number[] = []
  const lost: unknown[] = []
  const queue = new CommitQueue({
    engine: {
      commit: sent => new Promise((resolve, reject) => calls.push({ from: sent.checkpoints[0]!.from, resolve, reject })),
    },
    clock,
    random: () => 0.5,
    changed: () => {},
    lost: error => lost.push(error),
  })
  const send = (from: number, offset: number) => queue.send(unit(from, offset), () => landed.push(from))
  return { clock, calls, landed, lost, queue, send }
}

test('a few commits are in flight at once, and no more', () => {
  const { queue, send } = scene()
  for (let n = 0; n < 4; n++) {
    expect(queue.hasRoom).toBe(true)
    send(n, n + 1)
  }
  expect(queue.hasRoom).toBe(false)
})

test('nothing is sent behind a unit that moves no offset: it would not be refused with that', async () => {
  const { queue, send, calls, landed } = scene()
  send(5, 5)
  expect(queue.hasRoom).toBe(false)
  calls[0]!.resolve()
  await expect.poll(() => landed).toEqual([5])
  expect(queue.hasRoom).toBe(true)
})

test('when the disk is full the units wait and are sent again in order', async () => {
  const { clock, queue, send, calls, landed, lost } = scene()
  send(0, 1)
  send(1, 2)
  calls[0]!.reject(diskFull())
  calls[1]!.reject(leaseLost())
  await expect.poll(() => queue.holding).toBe(true)
  expect(queue.hasRoom).toBe(false)
  await clock.advance('1s')
  expect(calls.map(call => call.from)).toEqual([0, 1, 0, 1])
  calls[2]!.resolve()
  calls[3]!.resolve()
  await expect.poll(() => landed).toEqual([0, 1])
  expect([lost, queue.idle, queue.hasRoom]).toEqual([[], true, true])
})

test('nothing is sent again while one that was sent is not answered', async () => {
  const { clock, send, calls } = scene()
  send(0, 1)
  send(1, 2)
  calls[0]!.reject(diskFull())
  await clock.advance('1m')
  expect(calls).toHaveLength(2)
  calls[1]!.reject(leaseLost())
  await new Promise(setImmediate)
  await clock.advance('1m')
  expect(calls).toHaveLength(4)
})

test('a refusal of the first ends the lease, once; one behind it waits for what becomes of the first', async () => {
  const { send, calls, lost, landed } = scene()
  send(0, 1)
  send(1, 2)
  calls[1]!.reject(leaseLost())
  await new Promise(setImmediate)
  expect(lost).toEqual([])
  calls[0]!.resolve()
  await expect.poll(() => lost).toMatchObject([{ code: 'LEASE_LOST' }])
  expect(landed).toEqual([0])
})
