import { agent, bytes, pipeline, topic } from 'millrace'
import { Value } from 'typebox/value'
import { describe, expect, test } from 'vitest'
import { AdviceAnswer } from '../../src/console/api/advice.ts'
import { HealthAnswer } from '../../src/console/api/health.ts'
import { LedgerAnswer } from '../../src/console/api/ledger.ts'
import { mint } from '../../src/envelope/data-id.ts'
import { parsePrometheus } from '../instrumentation/prometheus.ts'
import { listen } from './ops.ts'

const demand = topic('demand', bytes(), { partitions: 1 })
const prediction = topic('prediction', bytes(), { partitions: 1 })
const forecast = agent('forecast', { version: 2, from: demand, to: prediction }, () => [])
const grid = pipeline('grid', { agents: [forecast] })
const topics = ['demand', 'prediction']

describe('the overview', () => {
  test('gives topics with their places, rates and the agents around them', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    await ops.scene.send('demand', 'k', '1', '2', '3')
    expect((await ops.get('/v1/topics')).json).toEqual({
      at: '2026-01-01T00:00:00.000Z',
      pipeline: 'grid',
      topics: [
        {
          topic: 'demand',
          internal: false,
          partitions: [{ partition: 0, first: 0, next: 3 }],
          appended: 3,
          retained: 3,
          in_per_second: 0,
          ingest: null,
          retention_seconds: 3_600,
          retention_bytes: null,
          written_by: [],
          read_by: ['forecast@2'],
        },
        expect.objectContaining({ topic: 'prediction', written_by: ['forecast@2'], read_by: [] }),
      ],
    })
  })

  test('knows who reads the dead letters that were put again', async () => {
    await using ops = await listen(['_replay.forecast@2'], { pipeline: grid })
    expect((await ops.get('/v1/topics')).json.topics).toMatchObject([{ internal: true, read_by: ['forecast@2'] }])
  })

  test('gives agents with totals, lag, graph and how they are', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    await ops.scene.send('demand', 'k', 'good', 'bad', 'late')
    await ops.scene.work(forecast, ['demand'], datum => (datum.data === 'bad' ? new Error('no') : []), { most: 2, tookMs: 0 })
    await ops.scene.clock.advance('3s')
    const first = (await ops.get('/v1/agents')).json.agents
    expect(first).toMatchObject([
      {
        agent: 'forecast',
        version: 2,
        kind: 'agent',
        state: 'running',
        from: ['demand'],
        to: [{ kind: 'topic', name: 'prediction' }],
        done: 1,
        dead: 1,
        duplicate: 0,
        lost: 0,
        lag: 1,
        lag_seconds: 3,
        gap: 0,
        handler_seconds: { p50: null, p99: null },
      },
    ])
    ops.health.down('agent forecast@2', 'its thread ended')
    expect((await ops.get('/v1/agents')).json.agents).toMatchObject([{ state: 'down', reason: 'its thread ended' }])
  })

  test('lists agents that a reload took out or replaced, as long as they have a place', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    await ops.scene.send('demand', 'k', '1')
    for (const name of ['forecast', 'mood']) await ops.scene.work({ name, version: 1 }, ['demand'], () => [])
    await ops.scene.work(forecast, ['demand'], () => [], { replaces: 'forecast@1' })
    const states = (await ops.get('/v1/agents')).json.agents.map((a: { agent: string; version: number; state: string }) => [
      a.agent,
      a.version,
      a.state,
    ])
    expect(states).toEqual([
      ['forecast', 1, 'replaced'],
      ['forecast', 2, 'running'],
      ['mood', 1, 'removed'],
    ])
  })

  test('gives the flow: what producers send, what topics take, what agents do', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    await ops.get('/v1/flow')
    await ops.scene.send('demand', 'k', ...Array.from({ length: 40 }, String))
    ops.instruments.ingest({ topic: 'demand', source: 's', accepted: 40, duplicate: 0, rejected: 2, retry: 0, bytes: 80, durationMs: 1 })
    ops.instruments.work({
      agent: 'forecast',
      version: 2,
      topic: 'demand',
      partition: 0,
      done: 30,
      dead: 2,
      duplicate: 0,
      lost: 0,
      retries: 1,
      outputs: 30,
      queueMs: 1,
      handlerMs: 400,
      busyMs: 400,
      commitMs: 1,
    })
    await ops.scene.clock.advance('4s')
    expect((await ops.get('/v1/flow')).json).toMatchObject({
      window_seconds: 10,
      front_end: { accepted_per_second: 10, rejected_per_second: 0.5, bytes_per_second: 20 },
      topics: [
        { topic: 'demand', in_per_second: 10 },
        { topic: 'prediction', in_per_second: 0 },
      ],
      agents: [
        {
          agent: 'forecast',
          version: 2,
          handled_per_second: 8,
          outputs_per_second: 7.5,
          // 0.4 s of the 4.4 s since that work began.
          busy: expect.closeTo(0.0909, 3),
          handler_seconds: { p50: 0.4, p99: 0.4 },
          lag: 0,
          in_flight: 0,
        },
      ],
    })
  })

  test('gives what an agent handles in other processes, by its places in the stream', async () => {
    await using ops = await listen(topics, { pipeline: grid, runsHere: () => false })
    await ops.scene.send('demand', 'k', 'good', 'bad', 'late', 'later')
    await ops.scene.work(forecast, ['demand'], () => [], { most: 1, tookMs: 0 })
    await ops.get('/v1/flow')
    await ops.scene.work(forecast, ['demand'], datum => (datum.data === 'bad' ? new Error('no') : []), { most: 2, tookMs: 0 })
    await ops.scene.clock.advance('4s')
    expect((await ops.get('/v1/flow')).json.agents).toMatchObject([{ agent: 'forecast', handled_per_second: 0.5, lag: 1, busy: 0 }])
    expect((await ops.get('/v1/agents')).json.agents).toMatchObject([{ state: 'elsewhere', handled_per_second: 0.5 }])
  })

  test('says of a version that gets a share of the keys how it is where it works', async () => {
    const next = agent('forecast', { version: 3, replaces: 2, ramp: 0.1, from: demand, to: prediction }, () => undefined)
    const old = agent('forecast', { version: 2, from: demand, to: prediction }, () => undefined)
    const ramped = pipeline('grid', { agents: [old, next] })
    await using ops = await listen(topics, { pipeline: ramped, runsHere: ({ version }) => version === 2 })
    expect((await ops.get('/v1/agents')).json.agents).toMatchObject([
      { version: 2, state: 'running' },
      { version: 3, state: 'running' },
    ])
  })

  test('follows a reload', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    const next = pipeline('grid-2', { agents: [agent('forecast', { version: 3, from: demand }, () => undefined)] })
    ops.use(next)
    expect((await ops.get('/v1/topics')).json).toMatchObject({
      pipeline: 'grid-2',
      topics: [{ read_by: ['forecast@3'] }, { written_by: [] }],
    })
  })

  test('gives the ledger, balanced', async () => {
    await using ops = await listen(topics)
    await ops.scene.send('demand', 'k', '1', '2', '3')
    await ops.scene.work(forecast, ['demand'], () => [], { most: 2 })
    expect((await ops.get('/v1/ledger')).json).toMatchObject({
      balanced: true,
      rows: [{ agent: 'forecast', version: 2, topic: 'demand', partition: 0, first: 0, committed: 2, done: 2, gap: 0, behind: 1 }],
    })
    expect(Value.Errors(LedgerAnswer, (await ops.get('/v1/ledger')).json)).toEqual([])
    expect(Value.Errors(AdviceAnswer, (await ops.get('/v1/advice')).json)).toEqual([])
  })

  test('gives metrics that a scraper can read, with the ledger’s gap at 0', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    await ops.scene.send('demand', 'k', '1', '2', '3')
    await ops.scene.work(forecast, ['demand'], () => [], { most: 2 })
    const { status, headers, text } = await ops.get('/metrics')
    expect([status, headers['content-type']]).toEqual([200, 'text/plain; version=0.0.4; charset=utf-8'])
    const families = parsePrometheus(text)
    const labels = { agent: 'forecast', version: '2', topic: 'demand' }
    expect(families.get('millrace_ledger_gap_data')?.samples).toEqual([{ name: 'millrace_ledger_gap_data', labels, value: 0 }])
    expect(families.get('millrace_agents_lag_data')?.samples[0]?.value).toBe(1)
    expect(families.get('millrace_stream_appended_total')?.samples[0]).toMatchObject({ labels: { topic: 'demand' }, value: 3 })
  })
})

describe('health', () => {
  test('answers 503 with the reason until everything is up', async () => {
    await using ops = await listen([])
    expect(await ops.get('/health/ready')).toMatchObject({ status: 503, json: { ok: false, reasons: ['engine: starting'] } })
    expect((await ops.get('/health/live')).status).toBe(200)
    ops.health.up('engine')
    expect(await ops.get('/health/ready')).toMatchObject({ status: 200, json: { ok: true, reasons: [] } })
    ops.health.fail('the disk is gone')
    expect(await ops.get('/health/live')).toMatchObject({ status: 503, json: { reasons: ['the disk is gone'] } })
  })
})

describe('the health page', () => {
  test('says how the parts, the ledger and the process are, without a log-in to the engine', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    ops.health.down('engine', 'the disk is full')
    await ops.scene.send('demand', 'k', '1', '2')
    await ops.scene.work(forecast, ['demand'], () => [], { most: 2 })
    const { status, json } = await ops.get('/v1/health')
    expect(status).toBe(200)
    expect(json).toMatchObject({
      ready: false,
      parts: [{ part: 'engine', ok: false, reason: 'the disk is full' }],
      ledger: { balanced: true, gaps: 0, lost: 0 },
      engine: { stream: 'embedded', trace: 'embedded' },
      process: { version: '0.1.0' },
    })
    expect(Value.Check(HealthAnswer, json)).toBe(true)
  })
})

describe('the trace', () => {
  test('answers by data_id, in whatever case it is written', async () => {
    await using ops = await listen(topics)
    const [id] = await ops.scene.send('demand', 'k', '1')
    for (const asked of [id!, id!.toUpperCase()])
      expect(await ops.get(`/v1/trace/${asked}`)).toMatchObject({ status: 200, json: { data_id: id, source: 'meter-7', agents: [] } })
  })

  test('gives lineage both ways', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    const [id] = await ops.scene.send('demand', 'k', '1')
    await ops.scene.work(forecast, ['demand'], () => [{ topic: 'prediction', data: '1' }])
    const down = (await ops.get(`/v1/lineage/${id}?depth=3&limit=10`)).json
    expect(down).toMatchObject({
      data: [{ topic: 'demand' }, { topic: 'prediction' }],
      links: [{ parent: id, handled: true }],
      truncated: false,
    })
    expect((await ops.get(`/v1/lineage/${down.data[1].data_id}`)).json.links).toEqual(down.links)
  })

  test('says what is wrong with a question', async () => {
    await using ops = await listen([])
    for (const path of [
      '/v1/trace/nothing',
      '/v1/trace/a?source=x&source=y',
      `/v1/lineage/${mint(0)}?depth=101`,
      `/v1/lineage/${mint(0)}?limit=0`,
    ])
      expect(await ops.get(path), path).toMatchObject({ status: 400, json: { code: 'QUERY_INVALID' } })
    for (const path of [`/v1/trace/${mint(0)}`, `/v1/lineage/${mint(0)}`, '/v1/trace/reading:17?source=meter-7'])
      expect(await ops.get(path), path).toMatchObject({ status: 404, json: { code: 'DATUM_UNKNOWN' } })
  })
})
