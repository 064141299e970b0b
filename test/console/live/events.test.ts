import { agent, bytes, cache, pipeline, topic } from 'millrace'
import { describe, expect, test } from 'vitest'
import { until } from '../../servers/until.ts'
import { listen } from '../ops.ts'
import { Listener } from './listener.ts'

const demand = topic('demand', bytes(), { partitions: 1, retention: { age: '1h', size: '1MB' } })
const prediction = topic('prediction', bytes(), { partitions: 1 })
const latest = cache('latest', bytes(), { key: () => 'k' })
const forecast = agent('forecast', { version: 2, from: demand, to: [prediction, latest] }, () => [])
const grid = pipeline('grid', { agents: [forecast] })
const topics = ['demand', 'prediction']
const DEADLINE_MS = 10_000

describe('events', () => {
  test('begin with all that is declared, before there is a datum, and then say what has changed', async () => {
    await using ops = await listen([], { pipeline: grid })
    using page = await Listener.open(`${ops.url}/v1/events`)
    expect(page.headers['content-type']).toBe('text/event-stream; charset=utf-8')
    expect(page.headers['x-content-type-options']).toBe('nosniff')
    expect(await page.next('overview')).toMatchObject({
      at: '2026-01-01T00:00:00.000Z',
      pipeline: 'grid',
      topics: {
        demand: { partitions: 1, entry: true, in_per_second: 0, retained: 0, retention_seconds: 3_600 },
        prediction: { entry: false },
      },
      agents: {
        'forecast@2': {
          state: 'running',
          from: { demand: { lag: 0, lag_seconds: 0, per_second: 0, full: 0 } },
          to: [
            { kind: 'topic', name: 'prediction' },
            { kind: 'cache', name: 'latest' },
          ],
        },
      },
      ready: false,
      reasons: ['engine: starting'],
      dead_letters: 0,
    })
    ops.health.up('engine')
    await ops.scene.clock.advance('1s')
    expect(await page.next('change')).toEqual({ at: '2026-01-01T00:00:01.000Z', ready: true, reasons: [] })
    // That time passes is no change.
    await ops.scene.clock.advance('1s')
    await until('a heartbeat', DEADLINE_MS, () => expect(page.beats).toBe(1))
    expect(page.heard).toEqual([])
  })

  test('say how far each agent is in each topic', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    await ops.scene.send('demand', 'k', '1', '2', '3', '4')
    await ops.scene.work(forecast, ['demand'], datum => (datum.data === '1' ? new Error('no') : []), { most: 2, tookMs: 0 })
    using page = await Listener.open(`${ops.url}/v1/events`)
    expect(await page.next('overview')).toMatchObject({
      topics: { demand: { retained: 4 } },
      agents: { 'forecast@2': { done: 1, dead: 1, from: { demand: { lag: 2, lag_seconds: 0, per_second: 0 } } } },
      dead_letters: 1,
    })
    await ops.scene.work(forecast, ['demand'], () => [], { most: 1, tookMs: 0 })
    await ops.scene.clock.advance('1s')
    const { agents, topics: seen, dead_letters } = await page.next('change')
    expect([seen, dead_letters]).toEqual([undefined, undefined])
    expect(agents).toEqual({ 'forecast@2': { done: 2, from: { demand: { lag: 1, lag_seconds: 1, per_second: 1, full: 0.000_277_8 } } } })
  })

  test('are made once a second for all who listen, and not at all for nobody', async () => {
    await using ops = await listen(topics, { pipeline: grid })
    const { standings } = ops.scene.engine
    let asked = 0
    ops.scene.engine.standings = () => {
      asked++
      return standings.call(ops.scene.engine)
    }
    await ops.instruments.close()
    {
      using one = await Listener.open(`${ops.url}/v1/events`)
      using two = await Listener.open(`${ops.url}/v1/events`)
      await Promise.all([one.next('overview'), two.next('overview')])
      expect(asked).toBe(1)
      await ops.scene.send('demand', 'k', '1')
      await ops.scene.clock.advance('1s')
      expect(await one.next('change')).toEqual(await two.next('change'))
      expect(asked).toBe(2)
    }
    // What was on its way when the last one left may be made yet.
    await ops.scene.clock.advance('2s')
    const before = asked
    await ops.scene.clock.advance('10s')
    expect(asked).toBe(before)
  })
})
