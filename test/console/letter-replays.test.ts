import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { replayTopic } from '../../src/agents/dead-letter.ts'
import { LetterReplay, LetterReplaysAnswer } from '../../src/console/api/dead.ts'
import { type Listening, listen } from './ops.ts'

const average = { name: 'average', version: 1 }
const replays = replayTopic(average)

async function withLetters(count: number): Promise<Listening> {
  const ops = await listen(['demand', replays])
  await ops.scene.send('demand', 'k', ...Array.from({ length: count }, (_, i) => (i < 2 ? `odd ${i}` : 'even')))
  await ops.scene.work(average, ['demand', replays], datum =>
    datum.data.startsWith('odd') ? new RangeError('odd') : new TypeError('even'),
  )
  return ops
}

const dead = async (ops: Listening): Promise<number> => (await ops.get('/v1/dead?state=dead')).json.letters.length
async function ended(ops: Listening, replay: number): Promise<LetterReplay> {
  const state = async () => {
    await ops.scene.clock.advance('1s')
    return (await ops.get(`/v1/dead/replays/${replay}`)).json.state
  }
  await expect.poll(state).not.toBe('running')
  return (await ops.get(`/v1/dead/replays/${replay}`)).json
}

test('a replay of a group goes on by itself at its rate, says how far it is, and leaves the others dead', async () => {
  await using ops = await withLetters(40)
  const { groups } = (await ops.get('/v1/dead/groups')).json
  const { fingerprint } = groups.find(({ count }: { count: number }) => count === 38)
  const begun = (await ops.post('/v1/dead/replays', { agent: 'average', fingerprint, rate: 100, by: 'anna' })).json
  expect(Value.Errors(LetterReplay, begun)).toEqual([])
  expect(begun).toMatchObject({ replay: 1, state: 'running', total: 38, rate: 100, by: 'anna', ended: null })
  expect(begun.what).toBe(`those of average that failed as ${fingerprint}`)
  // 10 at once, and 0.1 s for them.
  await expect.poll(async () => (await ops.get('/v1/dead/replays/1')).json.replayed).toBe(10)
  expect(await dead(ops)).toBe(30)
  expect(await ended(ops, 1)).toMatchObject({ state: 'complete', replayed: 38, refused: 0, reason: null })
  expect(await dead(ops)).toBe(2)
  const { json } = await ops.get('/v1/dead/replays')
  expect(Value.Errors(LetterReplaysAnswer, json)).toEqual([])
})

test('a replay is cancelled where it stands, and another does the rest', async () => {
  await using ops = await withLetters(30)
  await ops.post('/v1/dead/replays', { rate: 10 })
  await expect.poll(async () => (await ops.get('/v1/dead/replays/1')).json.replayed).toBe(1)
  expect((await ops.post('/v1/dead/replays/1/cancel', {})).json).toMatchObject({ state: 'cancelled', replayed: 1, total: 30 })
  expect(await dead(ops)).toBe(29)
  expect((await ops.post('/v1/dead/replays', { letters: [1, 2, 3, 99] })).json).toMatchObject({ total: 2, what: '4 letters', rate: null })
  expect(await ended(ops, 2)).toMatchObject({ state: 'complete', replayed: 2, refused: 2 })
  await ops.post('/v1/dead/replays', {})
  expect(await ended(ops, 3)).toMatchObject({ replayed: 27, what: 'all that are dead' })
  expect((await ops.post('/v1/dead/replays/3/cancel', {})).json.state).toBe('complete')
})

test('a replay takes what was dead when it was asked for, and not what dies meanwhile', async () => {
  await using ops = await withLetters(12)
  await ops.post('/v1/dead/replays', { rate: 10 })
  await ops.scene.send('demand', 'k', 'odd late')
  await ops.scene.work(average, ['demand'], () => new RangeError('odd'))
  expect(await ended(ops, 1)).toMatchObject({ state: 'complete', total: 12, replayed: 12 })
  expect(await dead(ops)).toBe(1)
})

test('a replay that fails says why, and what was not replayed is still dead', async () => {
  await using ops = await withLetters(12)
  const { letters } = ops.scene.engine
  const replay = letters.replay.bind(letters)
  let portions = 0
  letters.replay = (numbers, by) => (++portions > 1 ? Promise.reject(new Error('the disk is full')) : replay(numbers, by))
  await ops.post('/v1/dead/replays', { rate: 50 })
  await expect.poll(() => portions).toBe(1)
  expect(await ended(ops, 1)).toMatchObject({ state: 'failed', replayed: 5, reason: 'the disk is full' })
  expect(await dead(ops)).toBe(7)
  expect(ops.warnings.join()).toContain('has failed: the disk is full')
})

test('there are four at once, and what makes no sense is refused', async () => {
  await using ops = await withLetters(30)
  for (let i = 0; i < 4; i++) expect((await ops.post('/v1/dead/replays', { rate: 1 })).status).toBe(200)
  expect(await ops.post('/v1/dead/replays', {})).toMatchObject({ status: 503, json: { code: 'OVERLOADED' } })
  for (const body of [{ rate: 0 }, { rate: 'fast' }, { letters: [] }, { letters: [1], agent: 'average' }, { agent: 7 }, { version: 0 }, []])
    expect(await ops.post('/v1/dead/replays', body), JSON.stringify(body)).toMatchObject({ status: 400, json: { code: 'QUERY_INVALID' } })
  expect(await ops.get('/v1/dead/replays/9')).toMatchObject({ status: 404, json: { code: 'REPLAY_UNKNOWN' } })
})
