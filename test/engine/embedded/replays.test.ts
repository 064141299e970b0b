import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { replayTopic } from '../../../src/agents/dead-letter.ts'
import { NO_FATES } from '../../../src/agents/replay.ts'
import { openInMemory } from '../../../src/engine/embedded/index.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { GroupMember, placeOf } from '../../../src/testing/group-member.ts'
import { batch, dataOf, spec, texts } from '../../../src/testing/suite-data.ts'
import { DEMAND, doneAt, move, unit } from '../../../src/testing/unit-of-work.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { dataDirectories } from './data-directory.ts'

const { directory, open } = dataDirectories()
const LATE = { name: 'late', version: 1 }
const REPLAY = replayTopic(LATE)
const REPLAYED = { topic: REPLAY, partition: 0 }
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

test('what a replay did is known for as long as its data are kept, long after the trace has forgotten all else', async () => {
  const clock = new VirtualClock({
    startMs: Date.now(),
    settle: async () => {
      for (let i = 0; i < 20; i++) await turn()
    },
  })
  const engine = await openInMemory({ clock, traceRetentionMs: 60_000 })
  await engine.ensure([
    { ...spec('demand'), retentionMs: 3_600_000 },
    { ...spec(REPLAY), retentionMs: 300_000 },
  ])
  await engine.append([batch('demand', 0, texts('d', 3))])
  const member = new GroupMember(engine, { name: 'late@1', edition: 1 }, ['demand', REPLAY], 'latest')
  const lease = await member.lease(2)
  const all = [{ first: 0, end: 3 }]
  await engine.replay(LATE, DEMAND, all)
  const { checkpoint } = placeOf(lease, REPLAY)
  await engine.commit(
    unit(lease, {
      agent: LATE,
      marks: [{ ...doneAt(0, 3, REPLAYED), finishedMs: clock.now() }],
      checkpoints: [move(checkpoint, 3, 0, REPLAYED)],
    }),
  )
  await clock.advance('30m')
  // The replay topic is empty by now, and the marks in it are gone.
  expect(await engine.bounds(REPLAY)).toEqual([{ first: 3, next: 3 }])
  expect((await engine.replay(LATE, DEMAND, all)).fates).toEqual({ ...NO_FATES, done: 3 })
  await clock.advance('2h')
  expect((await engine.replay(LATE, DEMAND, all)).fates).toEqual({ ...NO_FATES, gone: 3 })
  await member.close()
  await engine.close()
})

test('what expired in the replay topic before the agent came to it may be replayed again', async () => {
  const clock = new VirtualClock({
    startMs: Date.now(),
    settle: async () => {
      for (let i = 0; i < 20; i++) await turn()
    },
  })
  const engine = await openInMemory({ clock })
  await engine.ensure([spec('demand'), { ...spec(REPLAY), retentionMs: 60_000 }])
  await engine.append([batch('demand', 0, texts('d', 3))])
  const member = new GroupMember(engine, { name: 'late@1', edition: 1 }, ['demand', REPLAY], 'latest')
  const lease = await member.lease(2)
  await engine.replay(LATE, DEMAND, [{ first: 0, end: 3 }])
  await clock.advance('5m')
  const { checkpoint } = placeOf(lease, REPLAY)
  await engine.commit(
    unit(lease, { agent: LATE, checkpoints: [{ ...REPLAYED, from: 0, checkpoint: { ...checkpoint, offset: 3, lost: 3 } }] }),
  )
  expect((await engine.replay(LATE, DEMAND, [{ first: 0, end: 3 }])).fates).toEqual({ ...NO_FATES, replayed: 3 })
  await member.close()
  await engine.close()
})

const NEXT = { name: 'late', version: 2 }
const NEXT_REPLAY = replayTopic(NEXT)

/** Five data are replayed to version 1, which has done the first of them and the fourth, out of turn. Then `meanwhile`, and version 2 takes over. */
async function takenOver(
  meanwhile: (clock: VirtualClock) => Promise<void>,
  atOnce: (engine: Engine) => Promise<unknown> = async () => undefined,
) {
  const clock = new VirtualClock({
    startMs: Date.now(),
    settle: async () => {
      for (let i = 0; i < 20; i++) await turn()
    },
  })
  const engine = await openInMemory({ clock, traceRetentionMs: 60_000 })
  await engine.ensure([{ ...spec('demand'), retentionMs: 300_000 }, spec(REPLAY), spec(NEXT_REPLAY)])
  await engine.append([batch('demand', 0, texts('d', 6))])
  const member = new GroupMember(engine, { name: 'late@1', edition: 1 }, ['demand', REPLAY], 'latest')
  const lease = await member.lease(2)
  // In two portions, so that where they lie in the replay topic is not where they come from.
  await engine.replay(LATE, DEMAND, [{ first: 2, end: 5 }])
  await engine.replay(LATE, DEMAND, [{ first: 0, end: 2 }])
  const { checkpoint } = placeOf(lease, REPLAY)
  await engine.commit(
    unit(lease, {
      agent: LATE,
      marks: [
        { ...doneAt(0, 1, REPLAYED), finishedMs: clock.now() },
        { ...doneAt(3, 4, REPLAYED), finishedMs: clock.now() },
      ],
      checkpoints: [move(checkpoint, 1, 0, REPLAYED)],
    }),
  )
  await meanwhile(clock)
  // One turn: the writer has both in one transaction.
  const asked = atOnce(engine)
  const next = new GroupMember(engine, { name: 'late@2', edition: 2, replaces: 'late@1' }, ['demand', NEXT_REPLAY], 'latest')
  const joined = await next.lease(2)
  await asked
  await member.close()
  return { engine, clock, next, joined }
}

const waitingIn = async (engine: Engine) => dataOf(await engine.read(NEXT_REPLAY, 0, 0, 100_000)).map(({ text }) => text)

test('what waits in a replay goes on with the next version though the topic that it is from has expired', async () => {
  const { engine, clock, next, joined } = await takenOver(clock => clock.advance('30m'))
  expect((await engine.bounds('demand'))[0]).toEqual({ first: 6, next: 6 })
  // The fourth in the replay topic is the first of the data: it was done out of turn.
  expect(await waitingIn(engine)).toEqual(['d3', 'd4', 'd1'])
  // It is known there where they come from, as of any replay.
  const { checkpoint } = placeOf(joined, NEXT_REPLAY)
  const replayed = { topic: NEXT_REPLAY, partition: 0 }
  await engine.commit(
    unit(joined, {
      agent: NEXT,
      marks: [{ ...doneAt(0, 3, replayed), finishedMs: clock.now() }],
      checkpoints: [move(checkpoint, 3, 0, replayed)],
    }),
  )
  await next.close()
  await engine.close()
})

test('what waits in a replay is there once with the next version, and a replay of the same finds it waiting', async () => {
  const { engine, next } = await takenOver(async () => undefined)
  expect(await waitingIn(engine)).toEqual(['d3', 'd4', 'd1'])
  expect((await engine.replay(NEXT, DEMAND, [{ first: 0, end: 5 }])).fates).toEqual({ ...NO_FATES, done: 2, waiting: 3 })
  await next.close()
  await engine.close()
})

test('what is put into a replay right before the next version takes over goes on with that', async () => {
  const { engine, next } = await takenOver(
    async () => undefined,
    async engine => {
      await engine.replay(LATE, DEMAND, [{ first: 5, end: 6 }])
    },
  )
  expect(await waitingIn(engine)).toEqual(['d3', 'd4', 'd1', 'd5'])
  await next.close()
  await engine.close()
})

test('a data directory of the first layout is brought up to date when it is opened, with all that it holds', async () => {
  const at = directory()
  const before = await open({ directory: at })
  await before.ensure([spec('demand')])
  await before.append([batch('demand', 0, texts('d', 3))])
  await before.close()
  const db = new DatabaseSync(`${at}/millrace.db`)
  db.exec('DROP TABLE letter_edits; DROP INDEX letters_by_state; DROP TABLE replay_origins; PRAGMA user_version = 1')
  db.close()
  const after = await open({ directory: at })
  expect(await after.bounds('demand')).toEqual([{ first: 0, next: 3 }])
  expect(await after.letters.counts()).toEqual([])
  expect(await after.letters.list({ limit: 1 })).toEqual([])
})
