import { expect, test } from 'vitest'
import { replayTopic } from '../../src/agents/dead-letter.ts'
import { NO_FATES } from '../../src/agents/replay.ts'
import type { ReplayRecord } from '../../src/agents/replay-log.ts'
import { replayToJson } from '../../src/console/replays.ts'
import type { Standing } from '../../src/engine/engine.ts'
import { type Listening, listen } from './ops.ts'

const average = { name: 'average', version: 1 }
const replays = replayTopic(average)
const RANGE = { topic: 'demand', partition: 0, first: 0, end: 3 }
const BEGIN = { agent: 'average', version: 1, by: 'ada', what: 'demand from earliest', ranges: [RANGE], rate: 100 }

/** Three data, which the agent has done. */
async function done(): Promise<Listening> {
  const ops = await listen(['demand', replays])
  await ops.scene.send('demand', 'k', '1', '2', '3')
  await ops.scene.work(average, ['demand', replays], () => [])
  return ops
}

test('a replay is begun, put again a portion at a time, ended, and listed with who asked and what came of it', async () => {
  await using ops = await done()
  expect((await ops.get('/v1/replays')).json).toEqual({ replays: [] })
  const { replay } = (await ops.post('/v1/replays', BEGIN)).json
  expect(replay).toBe(1)
  const given = (await ops.post('/v1/replays/1/data', { range: 0, positions: [[0, 2]] })).json
  expect(given).toEqual({
    fates: { replayed: 0, done: 2, dead: 0, ahead: 0, waiting: 0, gone: 0 },
    next: 2,
    topic: replays,
    end: 0,
  })
  const [open] = (await ops.get('/v1/replays')).json.replays
  expect(open).toMatchObject({ agent: 'average', version: 1, by: 'ada', what: BEGIN.what, rate: 100, done: 2, state: 'open', unread: 0 })
  await ops.post('/v1/replays/1/end', { complete: false })
  expect((await ops.get('/v1/replays')).json.replays).toMatchObject([{ state: 'interrupted' }])
  await ops.post('/v1/replays/1/data', { range: 0, positions: [[2, 3]] })
  await ops.post('/v1/replays/1/end', { complete: true })
  expect((await ops.get('/v1/replays')).json.replays).toMatchObject([{ state: 'complete', done: 3, replayed: 0 }])
})

test('what an agent is given by windows of time is replayed to it, though the topic is Millrace’s own', async () => {
  const hourly = { name: 'hourly', version: 1 }
  const topics = ['_windows.hourly@1', replayTopic(hourly)]
  await using ops = await listen(topics)
  await ops.scene.send('_windows.hourly@1', 'k', '1', '2', '3')
  await ops.scene.work(hourly, topics, () => [])
  const ranges = [{ ...RANGE, topic: '_windows.hourly@1' }]
  expect((await ops.post('/v1/replays', { ...BEGIN, agent: 'hourly', ranges })).json).toEqual({ replay: 1 })
  expect((await ops.post('/v1/replays/1/data', { range: 0, positions: [[0, 3]] })).json).toMatchObject({ fates: { done: 3 } })
  const own = [{ ...RANGE, topic: replayTopic(hourly) }]
  expect(await ops.post('/v1/replays', { ...BEGIN, agent: 'hourly', ranges: own })).toMatchObject({ status: 400 })
  expect(await ops.post('/v1/replays', { ...BEGIN, agent: 'other', ranges })).toMatchObject({ status: 400 })
})

test('data are not replayed to what gathers windows: they would all be late', async () => {
  const gathers = { name: 'hourly.windows', version: 1 }
  await using ops = await listen(['demand', '_windows.hourly@1', replayTopic(gathers)])
  await ops.scene.work(gathers, ['demand', replayTopic(gathers)], () => [])
  expect(await ops.post('/v1/replays', { ...BEGIN, agent: 'hourly.windows' })).toMatchObject({
    status: 400,
    json: { code: 'QUERY_INVALID', detail: expect.stringContaining('gathers for hourly') },
  })
  expect((await ops.get('/v1/replays')).json).toEqual({ replays: [] })
  // Its dead letters are another thing.
  expect((await ops.post('/v1/replays', { ...BEGIN, agent: 'hourly.windows', ranges: [] })).json).toEqual({ replay: 1 })
})

test.each([
  [{}],
  [{ ...BEGIN, agent: 7 }],
  [{ ...BEGIN, version: 0 }],
  [{ ...BEGIN, what: '' }],
  [{ ...BEGIN, ranges: 'all' }],
  [{ ...BEGIN, ranges: [{ ...RANGE, topic: '_letters' }] }],
  [{ ...BEGIN, ranges: [{ ...RANGE, first: 4 }] }],
  [{ ...BEGIN, by: '' }],
])('a replay that does not say what is not begun: %j', async body => {
  await using ops = await done()
  expect(await ops.post('/v1/replays', body)).toMatchObject({ status: 400, json: { code: 'QUERY_INVALID' } })
  expect((await ops.get('/v1/replays')).json).toEqual({ replays: [] })
})

test.each([
  [{ range: 1, positions: [[0, 1]] }],
  [{ range: 0, positions: [] }],
  [{ range: 0, positions: [[0, 4]] }],
  [{ range: 0, positions: [[1, 1]] }],
  [
    {
      range: 0,
      positions: [
        [1, 2],
        [0, 1],
      ],
    },
  ],
  [{ range: 0, positions: [['0', 1]] }],
])('a portion that is not of the replay is refused: %j', async body => {
  await using ops = await done()
  await ops.post('/v1/replays', BEGIN)
  expect(await ops.post('/v1/replays/1/data', body)).toMatchObject({ status: 400, json: { code: 'QUERY_INVALID' } })
})

test('a replay that was never begun, and an agent that there is not, are said', async () => {
  await using ops = await done()
  expect(await ops.post('/v1/replays/9/data', { range: 0, positions: [[0, 1]] })).toMatchObject({
    status: 404,
    json: { code: 'REPLAY_UNKNOWN' },
  })
  await ops.post('/v1/replays', { ...BEGIN, agent: 'other' })
  expect(await ops.post('/v1/replays/1/data', { range: 0, positions: [[0, 1]] })).toMatchObject({
    status: 404,
    json: { code: 'AGENT_UNKNOWN' },
  })
})

test.each([
  ['complete', 5, undefined, 'complete', 0],
  ['complete, and not read yet', 3, undefined, 'complete', 2],
  ['replaced once all was read', 5, 'average@2', 'complete', 0],
  ['replaced before all was read', 3, 'average@2', 'cut off', 2],
])('what is put and who reads it are told apart: %s', (_, offset, replacedBy, state, unread) => {
  const record: ReplayRecord = {
    ...{ replay: 1, agent: average, by: 'ada', startedMs: 1, heardMs: 2, perSecond: 100, fates: NO_FATES },
    ...{ chosen: { words: 'demand', ranges: [RANGE] }, at: { range: 0, offset: 3 }, ended: { complete: true } },
    put: { topic: replays, end: 5 },
  }
  const checkpoint = { offset, first: 0, done: offset, dead: 0, duplicate: 0, lost: 0, edition: 1 }
  const place: Standing = { group: 'average@1', topic: replays, partition: 0, checkpoint, first: 0, next: 5 }
  const standings = [replacedBy === undefined ? place : { ...place, replacedBy }]
  expect(replayToJson(record, standings)).toMatchObject({ state, unread })
})
