import { agent, pipeline, topic } from 'millrace'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { replayTopic } from '../../src/agents/dead-letter.ts'
import { type Listening, listen } from './ops.ts'

const average = { name: 'average', version: 1 }
const replays = replayTopic(average)

async function withLetters(...data: string[]): Promise<Listening & { ids: string[] }> {
  const ops = await listen(['demand', replays])
  const ids = await ops.scene.send('demand', 'k', ...data)
  await ops.scene.work(average, ['demand', replays], datum => new TypeError(`cannot read ${datum.data}`))
  return Object.assign(ops, { ids })
}

describe('the dead letters', () => {
  test('are listed newest first, by what is asked', async () => {
    await using ops = await withLetters('1', '22', '3')
    const all = await ops.get('/v1/dead')
    expect(all.json.letters.map((letter: { letter: number }) => letter.letter)).toEqual([3, 2, 1])
    expect(all.json.letters[2]).toMatchObject({
      letter: 1,
      state: 'dead',
      agent: 'average',
      version: 1,
      topic: 'demand',
      partition: 0,
      offset: 0,
      data_id: ops.ids[0],
      error: { name: 'TypeError', message: 'cannot read 1' },
      attempts: 5,
      replays: 0,
      replayed: null,
    })
    const found = async (query: string) =>
      (await ops.get(`/v1/dead?${query}`)).json.letters.map((letter: { letter: number }) => letter.letter)
    expect(await found('matching=22')).toEqual([2])
    expect(await found(`data_id=${ops.ids[0]}`)).toEqual([1])
    expect(await found('agent=average&version=1&topic=demand&state=dead&limit=2')).toEqual([3, 2])
    expect(await found('agent=other')).toEqual([])
    expect(await found('state=discarded')).toEqual([])
  })

  test('are shown with their datum, decoded where it is JSON and as it was sent where it is not', async () => {
    await using ops = await withLetters('{"station":"a"}', '{broken')
    expect((await ops.get('/v1/dead/1')).json).toMatchObject({
      letter: 1,
      datum: { data_id: ops.ids[0], source: 'meter-7', content_type: 'application/json', key: 'k', json: { station: 'a' } },
    })
    const { datum } = (await ops.get('/v1/dead/2')).json
    expect(Buffer.from(datum.data, 'base64').toString()).toBe('{broken')
    expect(datum.undecodable).toContain('JSON')
  })

  test('are replayed once, and say which were not there to replay', async () => {
    await using ops = await withLetters('1', '2')
    expect(await ops.post('/v1/dead/replay', { letters: [1, 99, 1] })).toMatchObject({
      status: 200,
      json: { replayed: [1], refused: [99] },
    })
    expect((await ops.post('/v1/dead/replay', { letters: [1] })).json).toEqual({ replayed: [], refused: [1] })
    expect((await ops.get('/v1/dead/1')).json).toMatchObject({ state: 'replayed', replays: 1 })
    await ops.scene.work(average, ['demand', replays], () => [])
    expect((await ops.get('/v1/dead?state=done')).json.letters).toMatchObject([{ letter: 1 }])
    expect((await ops.get(`/v1/trace/${ops.ids[0]}`)).json.agents).toMatchObject([{ replay: true, state: 'done' }])
  })

  test('are discarded by a person and stay listed', async () => {
    await using ops = await withLetters('1')
    expect((await ops.post('/v1/dead/discard', { letters: [1], by: 'ada' })).json).toEqual({ discarded: [1], refused: [] })
    expect((await ops.get('/v1/dead?state=discarded')).json.letters).toMatchObject([{ letter: 1 }])
  })

  test('are grouped by how they failed, and found by it', async () => {
    await using ops = await withLetters('1', '22', '3')
    const { groups } = (await ops.get('/v1/dead/groups?agent=average')).json
    expect(groups).toMatchObject([
      {
        agent: 'average',
        version: 1,
        error: { code: null, name: 'TypeError', message: 'cannot read 3' },
        shape: 'cannot read <n>',
        count: 3,
        example: 3,
      },
    ])
    const [{ fingerprint }] = groups
    const found = (await ops.get(`/v1/dead?fingerprint=${fingerprint}&limit=2`)).json.letters
    expect(found.map((letter: { letter: number }) => letter.letter)).toEqual([3, 2])
    expect(found[0].fingerprint).toBe(fingerprint)
    expect((await ops.get('/v1/dead?fingerprint=0000000000')).json.letters).toEqual([])
    expect(await ops.get(`/v1/dead?fingerprint=${fingerprint}&state=done`)).toMatchObject({ status: 400 })
  })

  test('are edited with what matches their topic, and replayed so', async () => {
    const demand = topic('demand', z.object({ n: z.number() }))
    const running = pipeline('p', { agents: [agent('average', { version: 1, from: demand }, () => undefined)] })
    await using ops = await withLetters('{"n":"one"}')
    ops.use(running)
    const edit = (text: string, more: object = {}) => ops.post('/v1/dead/1/edit', { data: Buffer.from(text).toString('base64'), ...more })
    expect(await edit('{"n":"1"}')).toMatchObject({ status: 422, json: { code: 'DATUM_INVALID', issues: [{ path: 'n' }] } })
    expect(await edit('{"n":1')).toMatchObject({ status: 400, json: { code: 'BODY_MALFORMED' } })
    expect(await edit('{"n":2}')).toMatchObject({ status: 200, json: { edited: [1], refused: [] } })
    expect((await ops.get('/v1/dead/1')).json).toMatchObject({ edited: { times: 1, by: 'local' } })
    expect(await edit('{"n":1}', { by: 'ada' })).toMatchObject({ status: 200, json: { edited: [1], refused: [] } })
    expect((await ops.get('/v1/dead/1')).json).toMatchObject({
      edited: { times: 2, by: 'ada' },
      datum: { data_id: ops.ids[0], json: { n: 1 } },
      original: { data_id: ops.ids[0], json: { n: 'one' } },
    })
    await ops.post('/v1/dead/replay', { letters: [1] })
    expect((await edit('{"n":2}')).json).toEqual({ edited: [], refused: [1] })
    const handled: string[] = []
    await ops.scene.work(average, ['demand', replays], datum => {
      handled.push(datum.data)
      return []
    })
    expect(handled).toEqual(['{"n":1}'])
  })

  test('that have expired stay listed, without their datum, and are counted by agent', async () => {
    await using ops = await withLetters('1', '2')
    await ops.scene.engine.letters.expire([1], Number.MAX_SAFE_INTEGER)
    expect((await ops.get('/v1/dead/1')).json).toMatchObject({ state: 'expired', error: { message: 'cannot read 1' }, datum: null })
    expect((await ops.get('/v1/dead?state=expired')).json.letters).toMatchObject([{ letter: 1 }])
    const { agents } = (await ops.get('/v1/agents')).json
    expect(agents).toMatchObject([{ agent: 'average', version: 1, dead: 2, letters_expired: 1 }])
    expect((await ops.post('/v1/dead/1/edit', { data: 'MQ==' })).json).toEqual({ edited: [], refused: [1] })
  })

  test.each([{}, { data: 7 }, { data: 'not base64!' }, { data: 'MQ==', content_type: '' }, { data: 'MQ==', by: '' }])(
    'take no edit without a datum: %j',
    async body => {
      await using ops = await withLetters('1')
      expect(await ops.post('/v1/dead/1/edit', body)).toMatchObject({ status: 400, json: { code: 'QUERY_INVALID' } })
    },
  )

  test.each([
    '/v1/dead?limit=0',
    '/v1/dead?limit=501',
    '/v1/dead?limit=1e2',
    '/v1/dead?state=lost',
    '/v1/dead?agent=a&agent=b',
    '/v1/dead?data_id=x',
    '/v1/dead?version=-1',
    '/v1/dead/0',
    '/v1/dead/one',
  ])('say what is wrong with a question: %s', async path => {
    await using ops = await listen([])
    expect(await ops.get(path)).toMatchObject({ status: 400, json: { code: 'QUERY_INVALID' } })
  })

  test.each([
    {},
    [],
    null,
    { letters: [] },
    { letters: ['1'] },
    { letters: [0] },
    { letters: [1.5] },
    { letters: 1 },
    { letters: [1], by: '' },
    { letters: [1], by: 7 },
    { letters: Array.from({ length: 10_001 }, (_, i) => i + 1) },
  ])('take no change that names no letters: %j', async body => {
    await using ops = await listen([])
    expect(await ops.post('/v1/dead/replay', body)).toMatchObject({ status: 400, json: { code: 'QUERY_INVALID' } })
  })

  test('say when one is not there', async () => {
    await using ops = await listen([])
    expect(await ops.get('/v1/dead/7')).toMatchObject({ status: 404, json: { code: 'LETTER_UNKNOWN' } })
  })
})
