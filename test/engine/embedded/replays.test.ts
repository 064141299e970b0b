import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { replayTopic } from '../../../src/agents/dead-letter.ts'
import { NO_FATES } from '../../../src/agents/replay.ts'
import { openInMemory } from '../../../src/engine/embedded/index.ts'
import { GroupMember, placeOf } from '../../../src/testing/group-member.ts'
import { batch, spec, texts } from '../../../src/testing/suite-data.ts'
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
