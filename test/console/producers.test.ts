import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, pipeline, storageAgent, topic } from 'millrace'
import { Value } from 'typebox/value'
import { describe, expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/clock.ts'
import { KeysAnswer, NewKey, ProducersAnswer } from '../../src/console/api/producers.ts'
import { type FrontEndOptions, startFrontEnd } from '../../src/frontend/front-end.ts'
import { files } from '../../src/storage/adapters/files/index.ts'
import { type Listening, listen } from './ops.ts'

const demand = topic('demand', z.object({ station: z.string(), megawatts: z.number() }), { key: d => d.station, partitions: 1 })
const number = z.string().refine(text => !text.startsWith('stolen'), { error: ({ input }) => `${input} is stolen` })
const cards = topic('cards', z.object({ number, amount: z.number() }), { partitions: 1, mask: ['number'] })
const frames = topic('frames', bytes(), { partitions: 1 })
const lake = storageAgent('lake', { version: 1, from: demand, to: files('./lake') })
const grid = pipeline('grid', { agents: [lake], topics: [demand, cards, frames] })
const topics = ['demand', 'cards', 'frames']

function folder(): string {
  const path = mkdtempSync(join(tmpdir(), 'millrace-producers-'))
  onTestFinished(() => rmSync(path, { recursive: true, force: true }))
  return path
}

/** The operators' listener and a front end that reports to it. */
async function running(limits: FrontEndOptions['limits'] = {}) {
  const keysFile = join(folder(), 'keys.json')
  const ops = await listen(topics, { pipeline: grid, keysFile })
  const front = await startFrontEnd({
    ...{ pipeline: grid, stream: ops.scene.engine, clock: systemClock, recorder: ops.instruments, keysFile, limits },
    listen: { host: '127.0.0.1', port: 0 },
  })
  const post = async (path: string, body: string, headers: Record<string, string> = {}): Promise<number> => {
    const answer = await fetch(front.url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
    return answer.status
  }
  const producers = async (): Promise<ProducersAnswer> => (await ops.get('/v1/producers')).json
  return { ops, post, producers, keysFile, [Symbol.asyncDispose]: () => closed(ops, front) }
}

async function closed(ops: Listening, front: Awaited<ReturnType<typeof startFrontEnd>>): Promise<void> {
  await front.close(0)
  await ops[Symbol.asyncDispose]()
}

const lines = { 'content-type': 'application/x-ndjson' }
const reading = (megawatts: unknown, station = 'a') => JSON.stringify({ station, megawatts })

describe('the producers', () => {
  test('are shown with what came of what they sent, and why some was rejected, with a sample of each reason', async () => {
    await using at = await running()
    await at.post('/v1/topics/demand/batch', [reading(1), reading('many'), reading('none'), 'no JSON', reading(2)].join('\n'), lines)
    await at.post('/v1/topics/demand', reading(3), { 'idempotency-key': 'x' })
    await at.post('/v1/topics/demand', reading(3), { 'idempotency-key': 'x' })
    const answer = await at.producers()
    expect(Value.Errors(ProducersAnswer, answer)).toEqual([])
    expect(answer).toMatchObject({
      front_end: true,
      producers: [
        {
          source: 'local',
          received: 7,
          accepted: 3,
          duplicate: 1,
          rejected: 3,
          refused_requests: 0,
          topics: [{ topic: 'demand', accepted: 3, stores: [{ agent: 'lake@1', waiting: 0, until: null }] }],
        },
      ],
    })
    const reasons = answer.producers[0]!.reasons.map(({ reason, count, sample }) => [reason, count, sample])
    expect(reasons).toEqual([
      [expect.stringMatching(/^demand: BODY_MALFORMED: /), 1, 'no JSON'],
      [expect.stringMatching(/^demand: megawatts: /), 2, reading('many')],
    ])
  })

  test('say how far a storage agent has come with the topic, and never how much of a source it holds', async () => {
    await using at = await running()
    await at.post('/v1/topics/demand/batch', [reading(1), reading(2), reading(3)].join('\n'), lines)
    await at.ops.scene.work({ name: 'lake', version: 1 }, ['demand'], () => [], { most: 2 })
    await at.ops.scene.clock.advance('2s')
    const [stores] = (await at.producers()).producers[0]!.topics.map(each => each.stores)
    expect(stores).toEqual([{ agent: 'lake@1', waiting: 1, until: expect.any(String) }])
    at.ops.instruments.spill({ data: 1, bytes: 10, spilled: 1, drained: 0 })
    expect((await at.producers()).producers[0]!.topics[0]!.stores[0]!.until).toBeNull()
  })

  test('show no masked field in a sample, nor what cannot be read and so not be masked', async () => {
    await using at = await running()
    await at.post('/v1/topics/cards', JSON.stringify({ number: '4111-secret', amount: 'much' }))
    await at.post('/v1/topics/cards', '{"number": "4111-secret", "amount": ')
    await at.post('/v1/topics/cards/batch', '{"number":"4111-secret"}\n{"number":"4111-secret",', lines)
    const { reasons } = (await at.producers()).producers[0]!
    expect(JSON.stringify(reasons)).not.toContain('secret')
    const shown = [JSON.stringify({ number: '•••' }), JSON.stringify({ number: '•••', amount: 'much' })]
    expect(reasons.flatMap(({ sample }) => sample ?? []).sort()).toEqual(shown.sort())
  })

  test('show no masked field in a reason, whether a schema or a parser quotes it', async () => {
    await using at = await running()
    await at.post('/v1/topics/cards', JSON.stringify({ number: 'stolen-secret', amount: 1 }))
    await at.post('/v1/topics/cards', 'a-secret')
    expect((await at.producers()).producers[0]!.reasons.map(({ reason }) => reason)).toEqual([
      expect.stringMatching(/^cards: BODY_MALFORMED: Expected JSON: Unexpected token 'a'\./),
      'cards: number: •••',
    ])
  })

  test('count a request that is refused whole by its reason, and its data nowhere', async () => {
    await using at = await running({ bodyBytes: 1_000 })
    expect(await at.post('/v1/topics/demand', reading('x'.repeat(2_000)))).toBe(413)
    expect(await at.post('/v1/topics/nothing', reading(1))).toBe(404)
    expect((await at.producers()).producers[0]).toMatchObject({
      received: 0,
      refused_requests: 2,
      reasons: [{ reason: expect.stringMatching(/^TOPIC_UNKNOWN/) }, { reason: expect.stringMatching(/^BODY_TOO_LARGE/), sample: null }],
    })
  })

  test('are nobody’s to know where there is no front end', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    expect((await ops.get('/v1/producers')).json).toMatchObject({ front_end: false, producers: [] })
    expect(await ops.get('/v1/keys')).toMatchObject({ status: 404, json: { code: 'ROUTE_UNKNOWN' } })
  })
})

describe('the keys', () => {
  test('are made, rotated and ended, the secret shown once and kept nowhere', async () => {
    await using at = await running()
    expect((await at.ops.get('/v1/keys')).json).toEqual({ keyless: true, keys: [] })
    const made = (await at.ops.post('/v1/keys', { source: 'plant-7', topics: ['demand'], expires: '30d' })).json
    expect(Value.Check(NewKey, made)).toBe(true)
    const rotated = (await at.ops.post(`/v1/keys/${made.record.id}/rotate`, { grace: '10m' })).json
    expect(rotated.record).toMatchObject({ source: 'plant-7', topics: ['demand'], rotates: made.record.id })
    const revoked = (await at.ops.post(`/v1/keys/${made.key}/revoke`, {})).json
    expect(revoked).toMatchObject({ id: made.record.id, revoked: expect.any(String) })
    const answer = await at.ops.get('/v1/keys')
    expect(Value.Errors(KeysAnswer, answer.json)).toEqual([])
    expect(answer.json.keys.map((key: { id: string }) => key.id)).toEqual([rotated.record.id, made.record.id])
    for (const secret of [made.key.split('.')[1], rotated.key.split('.')[1]])
      expect(answer.text + readFileSync(at.keysFile, 'utf8') + at.ops.warnings.join()).not.toContain(secret)
  })

  test('are not changed where their file cannot be written, and no log tells a key that was pasted whole', async () => {
    const keysFile = join(folder(), 'nowhere', 'keys.json')
    await using ops = await listen(topics, { pipeline: grid, keysFile })
    const answer = await ops.post('/v1/keys/kabc.the-secret/revoke', {})
    expect(answer).toMatchObject({
      status: 500,
      json: { code: 'CONFIG_INVALID', detail: expect.stringContaining('cannot be changed from here') },
    })
    expect(ops.warnings).toEqual([expect.stringContaining('POST /v1/keys/:id/revoke could not be answered')])
    expect(ops.warnings.join() + answer.text).not.toContain('the-secret')
  })

  test('are refused with what is wrong', async () => {
    await using at = await running()
    for (const body of [
      { topics: '*' },
      { source: 'a\n', topics: '*' },
      { source: 'a', topics: [] },
      { source: 'a', topics: ['nothing'] },
      { source: 'a', topics: '*', expires: 'soon' },
    ])
      expect(await at.ops.post('/v1/keys', body)).toMatchObject({ status: 400, json: { code: 'QUERY_INVALID' } })
    expect(await at.ops.post('/v1/keys/knone/rotate', {})).toMatchObject({ status: 404, json: { code: 'KEY_UNKNOWN' } })
    expect(await at.ops.post('/v1/keys/knone/revoke', {})).toMatchObject({ status: 404, json: { code: 'KEY_UNKNOWN' } })
  })
})
