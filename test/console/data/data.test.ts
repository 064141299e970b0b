import { agent, bytes, pipeline, storageAgent, topic } from 'millrace'
import { files } from 'millrace/storage/files'
import { describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { type StoredDatum, writerName } from '../../../src/storage/storage.ts'
import { listen } from '../ops.ts'

const demand = topic('demand', bytes(), { partitions: 1, mask: ['pin'] })
const prediction = topic('prediction', bytes(), { partitions: 1 })
const forecast = agent('forecast', { version: 2, from: demand, to: prediction }, () => [])
const grid = pipeline('grid', { agents: [forecast] })
const topics = ['demand', 'prediction']
const numbers = (count: number) => Array.from({ length: count }, (_, i) => JSON.stringify({ n: i }))
const shownIn = (json: { data: readonly { json: { n: number } }[] }) => json.data.map(datum => datum.json.n)

describe('a search', () => {
  test('gives the newest first, over all topics, and goes on where it stopped', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    for (let n = 0; n < 40; n++) {
      await ops.scene.send(n % 2 === 0 ? 'demand' : 'prediction', 'k', `{"n":${n}}`)
      await ops.scene.clock.advance('1s')
    }
    const all: number[] = []
    let before = ''
    for (let page = 0; page < 10; page++) {
      const { json } = await ops.get(`/v1/data?limit=7${before}`)
      all.push(...shownIn(json))
      if (json.more === null) break
      before = `&before=${json.more}`
    }
    expect(all).toEqual(Array.from({ length: 40 }, (_, i) => 39 - i))
  })

  test('misses nothing where more matches than is asked for at once', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    await ops.scene.send('demand', 'k', ...numbers(100))
    const first = (await ops.get('/v1/data?topic=demand&limit=3')).json
    const second = (await ops.get(`/v1/data?topic=demand&limit=3&before=${first.more}`)).json
    expect([...shownIn(first), ...shownIn(second)]).toEqual([99, 98, 97, 96, 95, 94])
  })

  test('finds by source, key, time and conditions, and does not tell what is hidden', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    await ops.scene.send('demand', 'a', '{"n":1,"pin":7}')
    await ops.scene.clock.advance('10m')
    await ops.scene.send('demand', 'b', '{"n":2}')
    const asked = async (query: string) => shownIn((await ops.get(`/v1/data?${query}`)).json)
    expect(await asked('key=a')).toEqual([1])
    expect(await asked('key=none')).toEqual([])
    expect(await asked('source=meter-7&topic=demand')).toEqual([2, 1])
    expect(await asked('source=nobody')).toEqual([])
    expect(await asked('from=5m')).toEqual([2])
    expect(await asked('to=5m')).toEqual([1])
    expect(await asked('where=n>=2')).toEqual([2])
    expect(await asked('where=pin=7')).toEqual([])
  })

  test('reads a bounded amount at a time, and says that there is more', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    await ops.scene.send('demand', 'k', '{"n":1}')
    const large = JSON.stringify({ n: 2, text: 'x'.repeat(1_000_000) })
    for (let i = 0; i < 40; i++) await ops.scene.send('demand', 'k', large)
    const first = (await ops.get('/v1/data?where=n=1')).json
    expect([first.data, first.more]).toEqual([[], expect.any(String)])
    let [{ more }, pages] = [first, 1]
    const found: number[] = []
    for (; more !== null; pages++) {
      const { json } = await ops.get(`/v1/data?where=n=1&before=${more}`)
      found.push(...shownIn(json))
      more = json.more
    }
    expect([found, pages]).toEqual([[1], 3])
  })

  test('finds a datum by its id', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    const [id] = await ops.scene.send('demand', 'k', '{"n":1}')
    expect((await ops.get(`/v1/data?id=${id}`)).json).toMatchObject({ data: [{ data_id: id, json: { n: 1 } }], more: null })
    expect((await ops.get('/v1/data?id=mine-1&source=nobody')).json).toEqual({ data: [], looked_at: 0, more: null })
  })

  test.each(['from=yesterday', 'from=1m&to=1h', 'where=n', 'limit=0', 'before=nonsense', 'before=WzFd'])(
    'says what is wrong with a question: %s',
    async query => {
      await using ops = await listen(topics, { pipeline: grid })
      expect((await ops.get(`/v1/data?${query}`)).json).toMatchObject({ status: 400, code: 'QUERY_INVALID' })
    },
  )
})

describe('a life', () => {
  test('has the datum, what came of it, and each step with its times', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    const [id] = await ops.scene.send('demand', 'CE', '{"n":1,"pin":7}')
    await ops.scene.clock.advance('1s')
    await ops.scene.work(forecast, ['demand'], () => [{ topic: 'prediction', data: '{"n":2}' }], { tookMs: 5 })
    const { json } = await ops.get(`/v1/data/${id}`)
    const child = json.data[1].data_id
    expect(json).toMatchObject({
      ...{ data_id: id, source: 'meter-7', accepted: '2026-01-01T00:00:00.000Z', forgotten: [], truncated: false },
      data: [
        { data_id: id, topic: 'demand', json: { n: 1, pin: '•••' } },
        { topic: 'prediction', json: { n: 2 }, parents: [id] },
      ],
      links: [{ from: id, to: child, by: 'forecast@2' }],
      steps: [
        {
          ...{ agent: 'forecast@2', data_id: id, topic: 'demand', partition: 0, offset: 0, state: 'done', attempts: 1 },
          ...{ appended: '2026-01-01T00:00:00.000Z', claimed: '2026-01-01T00:00:01.000Z', finished: '2026-01-01T00:00:01.005Z' },
          ...{ waited_ms: 1_000, took_ms: 5, reason: null, letter: null, stored: null },
          outputs: [{ data_id: child, topic: 'prediction' }],
        },
      ],
    })
    expect((await ops.get(`/v1/data/${child}`)).json.links).toEqual([{ from: id, to: child, by: 'forecast@2' }])
  })

  test('has the steps that made it and those of what came of it, not what else became of the data of a window', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    const window = await ops.scene.send('demand', 'CE', '{"n":1}', '{"n":2}', '{"n":3}')
    await ops.scene.work(forecast, ['demand'], ({ dataId, data }) => [
      { topic: 'prediction', data, parents: [dataId, ...window.filter(other => other !== dataId)] },
    ])
    await ops.scene.work({ name: 'lake', version: 1 }, ['demand'], () => [])
    await ops.scene.work({ name: 'dispatch', version: 1 }, ['prediction'], () => [])
    const [made] = (await ops.get(`/v1/data/${window[1]}`)).json.steps[0].outputs
    const { json } = await ops.get(`/v1/data/${made.data_id}`)
    const found = json.steps.map(({ agent, data_id }: { agent: string; data_id: string }) => [agent, data_id])
    expect(json.links.map(({ by }: { by: string | null }) => by)).toEqual(['forecast@2', null, null])
    expect(found).toEqual([
      ['forecast@2', window[1]],
      ['dispatch@1', made.data_id],
    ])
  })

  test('looks each datum up once, however many of its relatives lead to it', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    const [id] = await ops.scene.send('demand', 'CE', '{"n":1}')
    await ops.scene.work(forecast, ['demand'], () => [{ topic: 'prediction', data: '{"n":2}' }])
    const find = vi.spyOn(ops.scene.engine, 'find')
    const { json } = await ops.get(`/v1/data/${id}`)
    expect(find.mock.calls.map(([asked]) => asked)).toEqual([id, json.data[1].data_id])
  })

  test('says where it was stored, by what its store says', async () => {
    const told: StoredDatum[] = []
    const whereIs = async (datum: StoredDatum) => {
      told.push(datum)
      return datum.key === 'CE' ? { where: './lake', exact: async () => ({ where: './lake/0-5.ndjson', row: 3 }) } : undefined
    }
    const lake = storageAgent('lake', { version: 3, from: demand, to: { ...files('./lake'), whereIs } })
    await using ops = await listen(topics, { pipeline: pipeline('grid', { agents: [lake] }) })
    const [first] = await ops.scene.send('demand', 'CE', '{"n":1}')
    const [second] = await ops.scene.send('demand', 'FR', '{"n":2}')
    const stored = async (id = '') => (await ops.get(`/v1/data/${id}`)).json.steps.map((step: { stored: unknown }) => step.stored)
    // It waits.
    expect([await stored(first), told]).toEqual([[], []])
    await ops.scene.work({ name: 'lake', version: 3 }, ['demand'], () => [])
    expect([await stored(first), await stored(second)]).toEqual([[{ where: './lake/0-5.ndjson', row: 3 }], [null]])
    expect(told[0]).toMatchObject({
      ...{ topic: demand, partition: 0, offset: 0, isReplay: false, dataId: first, key: 'CE', createdMs: Date.UTC(2026, 0, 1) },
      writer: writerName(ops.scene.engine.logId, 'lake', 3),
    })
  })

  test('says of a datum whose key is hidden no more than which store has it: a path may be made of the key', async () => {
    const secret = topic('secret', z.object({ card: z.string() }), { key: s => s.card, mask: ['card'] })
    const lake = storageAgent('lake', {
      version: 1,
      from: secret,
      to: { ...files('./lake'), whereIs: async ({ key }) => ({ where: `key=${key}` }) },
    })
    await using ops = await listen(['secret'], { pipeline: pipeline('shop', { agents: [lake] }) })
    const [id] = await ops.scene.send('secret', '4111', '{"card":"4111"}')
    await ops.scene.work({ name: 'lake', version: 1 }, ['secret'], () => [])
    const { json, text } = await ops.get(`/v1/data/${id}`)
    expect(json.steps).toMatchObject([{ stored: { where: 'files ./lake' } }])
    expect(text).not.toContain('4111')
  })

  test('is none of a datum that nobody knows', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    expect((await ops.get('/v1/data/018f0000-0000-7000-8000-000000000000')).json).toMatchObject({ status: 404, code: 'DATUM_UNKNOWN' })
  })
})
