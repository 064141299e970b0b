import { expect, test } from 'vitest'
import { replayTopic } from '../../../src/agents/dead-letter.ts'
import { openInMemory } from '../../../src/engine/embedded/index.ts'
import { GroupMember, placeOf } from '../../../src/testing/group-member.ts'
import { batch, dataOf, readAll, spec, texts } from '../../../src/testing/suite-data.ts'
import { deadAt, doneAt, FORECAST, letterOf, move, unit } from '../../../src/testing/unit-of-work.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { DEAD, DONE } from '../../../src/trace/trace.ts'
import { dataDirectories } from './data-directory.ts'

const { directory, open } = dataDirectories()
const MINUTE_MS = 60_000
const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** A clock that lets the writer take its turns: retention goes in steps, one a turn. */
function clockWithTurns(): VirtualClock {
  return new VirtualClock({
    startMs: Date.now(),
    settle: async () => {
      for (let i = 0; i < 20; i++) await turn()
    },
  })
}

test('what is older than its topic allows is deleted, and offsets go on as if it were there', async () => {
  const clock = clockWithTurns()
  const engine = await openInMemory({ clock })
  await engine.ensure([{ ...spec('demand'), retentionMs: 5 * MINUTE_MS }, spec('kept')])
  await engine.append([batch('demand', 0, texts('old', 3)), batch('kept', 0, ['old'])])
  await clock.advance('4m')
  await engine.append([batch('demand', 0, ['new'])])
  await clock.advance('2m')
  expect(await engine.bounds('demand')).toEqual([{ first: 3, next: 4 }])
  expect(await readAll(engine, 'demand', 0, 3)).toEqual(['new'])
  await clock.advance('10m')
  expect(await engine.bounds('demand')).toEqual([{ first: 4, next: 4 }])
  expect(await engine.bounds('kept')).toEqual([{ first: 0, next: 1 }])
  expect((await engine.append([batch('demand', 0, ['next'])]))[0]?.first).toBe(4)
  await engine.close()
})

test('an emptied partition still knows its next offset after a restart', async () => {
  const at = directory()
  const clock = clockWithTurns()
  const before = await open({ directory: at, clock })
  await before.ensure([{ ...spec('demand'), retentionMs: MINUTE_MS }])
  await before.append([batch('demand', 0, texts('old', 7))])
  await clock.advance('2m')
  expect(await before.bounds('demand')).toEqual([{ first: 7, next: 7 }])
  await before.close()
  const after = await open({ directory: at })
  expect(await after.bounds('demand')).toEqual([{ first: 7, next: 7 }])
  expect((await after.append([batch('demand', 0, ['next'])]))[0]?.first).toBe(7)
})

test('what exceeds a topic’s size is deleted, oldest first over all its partitions', async () => {
  const clock = clockWithTurns()
  const engine = await openInMemory({ clock })
  await engine.ensure([{ ...spec('demand', 2), retentionBytes: 25_000 }])
  const large = 'x'.repeat(9_000)
  for (const partition of [0, 1, 0, 1]) {
    await engine.append([batch('demand', partition, [large])])
    await clock.advance('1s')
  }
  await clock.advance('20s')
  expect(await engine.bounds('demand')).toEqual([
    { first: 1, next: 2 },
    { first: 1, next: 2 },
  ])
  await engine.close()
})

test('a backlog of many batches is deleted in steps, appends in between', async () => {
  const clock = clockWithTurns()
  const engine = await openInMemory({ clock })
  await engine.ensure([{ ...spec('demand'), retentionMs: MINUTE_MS }])
  for (let i = 0; i < 180; i++) await engine.append([batch('demand', 0, [`${i}`])])
  const advanced = clock.advance('2m')
  const appended = await engine.append([batch('demand', 0, ['meanwhile'])])
  await advanced
  expect(appended[0]?.first).toBe(180)
  expect((await engine.bounds('demand'))[0]?.first).toBeGreaterThanOrEqual(180)
  await engine.close()
})

test('a group that retention has passed is given the first data left, from before its next', async () => {
  const clock = clockWithTurns()
  const engine = await openInMemory({ clock })
  await engine.ensure([{ ...spec('demand'), retentionMs: MINUTE_MS }])
  const member = new GroupMember(engine, { name: 'forecast@2', edition: 2 }, ['demand'])
  const lease = await member.lease(1)
  await engine.append([batch('demand', 0, texts('old', 3))])
  await clock.advance('2m')
  await engine.append([batch('demand', 0, ['new'])])
  const read = await lease.fetch(placeOf(lease, 'demand'), 0, 1_000)
  expect(read?.first).toBe(3)
  await member.close()
  await engine.close()
})

test('a supplied id is recognised until its bucket is dropped, and may come again then', async () => {
  const clock = clockWithTurns()
  const engine = await openInMemory({ clock, idRetentionMs: 60 * MINUTE_MS })
  await engine.ensure([spec('demand')])
  const send = () => engine.append([batch('demand', 0, [{ text: 'reading', id: '0198f6d0-0000-7000-8000-000000000001', supplied: true }])])
  expect((await send())[0]).toMatchObject({ count: 1, duplicates: [] })
  await clock.advance('59m')
  expect((await send())[0]).toMatchObject({ count: 0, duplicates: [0] })
  await clock.advance('30m')
  expect((await send())[0]).toMatchObject({ count: 1, duplicates: [] })
  await engine.close()
})

test('marks are forgotten after the trace’s retention, the data are not', async () => {
  const clock = clockWithTurns()
  const engine = await openInMemory({ clock, traceRetentionMs: 60 * MINUTE_MS })
  await engine.ensure([spec('demand')])
  await engine.append([batch('demand', 0, ['reading'])])
  const id = dataOf(await engine.read('demand', 0, 0, 1))[0]!.id
  const member = new GroupMember(engine, { name: 'forecast@2', edition: 2 }, ['demand'])
  const lease = await member.lease(1)
  const marks = [{ ...doneAt(0, 1), claimedMs: clock.now(), finishedMs: clock.now() }]
  await engine.commit(unit(lease, { agent: FORECAST, marks, checkpoints: [move(lease.partitions[0]!.checkpoint, 1)] }))
  await clock.advance('50m')
  expect((await engine.find(id))?.marks).toHaveLength(1)
  await clock.advance('20m')
  expect(await engine.find(id)).toMatchObject({ marks: [], positions: [{ offset: 0 }] })
  await member.close()
  await engine.close()
})

test('a fetch below data that retention has taken whole answers at once with where to go on', async () => {
  const clock = clockWithTurns()
  const engine = await openInMemory({ clock })
  await engine.ensure([{ ...spec('demand'), retentionMs: MINUTE_MS }])
  const member = new GroupMember(engine, { name: 'forecast@2', edition: 2 }, ['demand'])
  const lease = await member.lease(1)
  await engine.append([batch('demand', 0, texts('old', 5))])
  await clock.advance('2m')
  expect(await lease.fetch({ topic: 'demand', partition: 0 }, 2, 1_000)).toMatchObject({ first: 5, count: 0 })
  await member.close()
  await engine.close()
})

test('marks beyond a group’s offset are kept however old: without them what is done would be done again', async () => {
  const clock = clockWithTurns()
  const engine = await openInMemory({ clock, traceRetentionMs: 60 * MINUTE_MS })
  await engine.ensure([spec('demand')])
  await engine.append([batch('demand', 0, texts('reading', 4))])
  const all = await engine.read('demand', 0, 0, 10_000)
  const member = new GroupMember(engine, { name: 'forecast@2', edition: 2 }, ['demand'])
  const lease = await member.lease(1)
  const now = { claimedMs: clock.now(), finishedMs: clock.now() }
  // 0 is waited for; 1 and 3 are done, 2 is dead.
  const marks = [
    { ...doneAt(1, 2), ...now },
    { ...doneAt(3, 4), ...now },
    { ...deadAt(2, 'no'), ...now },
  ]
  await engine.commit(unit(lease, { agent: FORECAST, marks, letters: [letterOf(all, 2, 'no')] }))
  await clock.advance('3h')
  expect([...(await engine.claim(FORECAST, all, 0, clock.now()))].map(state => Math.max(state, 1))).toEqual([1, DONE, DEAD, DONE])
  const { checkpoint } = placeOf(lease, 'demand')
  await engine.commit(unit(lease, { agent: FORECAST, checkpoints: [move(checkpoint, 4, 1)] }))
  await clock.advance('3h')
  expect([...(await engine.claim({ ...FORECAST }, all, 0, clock.now()))].filter(state => state >= DEAD)).toEqual([])
  await member.close()
  await engine.close()
})

test('a letter whose replay expired before anyone handled it is dead again, and can be replayed', async () => {
  const clock = clockWithTurns()
  const engine = await openInMemory({ clock })
  const replay = { topic: replayTopic(FORECAST), partition: 0 }
  await engine.ensure([spec('demand'), { ...spec(replay.topic), retentionMs: MINUTE_MS }])
  await engine.append([batch('demand', 0, ['reading'])])
  const all = await engine.read('demand', 0, 0, 10_000)
  const member = new GroupMember(engine, { name: 'forecast@2', edition: 2 }, ['demand', replay.topic])
  const lease = await member.lease(2)
  const { checkpoint } = placeOf(lease, 'demand')
  await engine.commit(unit(lease, { marks: [deadAt(0, 'no')], letters: [letterOf(all, 0, 'no')], checkpoints: [move(checkpoint, 1, 1)] }))
  expect(await engine.letters.replay([1], 'suite')).toEqual([1])
  await clock.advance('2m')
  const place = placeOf(lease, replay.topic)
  await engine.commit(unit(lease, { checkpoints: [{ ...replay, from: 0, checkpoint: { ...place.checkpoint, offset: 1, lost: 1 } }] }))
  expect(await engine.letters.list({ limit: 1 })).toMatchObject([{ state: 'dead', replays: 1 }])
  expect(await engine.letters.replay([1], 'suite')).toEqual([1])
  await member.close()
  await engine.close()
})
