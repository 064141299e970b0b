import { agent, pipeline, topic } from 'millrace'
import { Value } from 'typebox/value'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { AgentAnswer } from '../../src/console/api/agents.ts'
import { listen } from './ops.ts'

const demand = topic('demand', z.object({}), { partitions: 1 })
const prediction = topic('prediction', z.object({}), { partitions: 1 })
const forecast = (version: number, options: object = {}) =>
  agent('forecast', { version, from: demand, to: prediction, ...options }, () => [])
const grid = pipeline('grid', { agents: [forecast(2), forecast(3, { shadow: true })] })
const topics = ['demand', 'prediction', '_shadow.forecast@3.prediction']

test('an agent is shown with its versions side by side: what they have in hand, their failures, their log, and what may be done', async () => {
  const line = { atMs: 0, level: 'warn' as const, text: 'it is hot' }
  const decide = () => Promise.reject(new Error('nobody asks'))
  await using ops = await listen(topics, { pipeline: grid, decide, agentLog: group => (group === 'forecast@2' ? [line] : []) })
  ops.instruments.watch(group => (group === 'forecast@2' ? busy(ops.scene.clock.now() - 4_000) : undefined))
  const [, bad] = await ops.scene.send('demand', 'k', 'good', 'bad', 'late')
  for (const version of [1, 2])
    await ops.scene.work({ name: 'forecast', version }, ['demand'], datum => (datum.data === 'bad' ? new Error('no') : []), {
      most: 2,
      ...(version === 2 ? { replaces: 'forecast@1' } : {}),
    })
  await ops.scene.work({ name: '_shadow.forecast', version: 3 }, ['demand'], () => [], { most: 1 })

  const { json } = await ops.get('/v1/agents/forecast')
  expect(Value.Errors(AgentAnswer, json)).toEqual([])
  expect(json).toMatchObject({
    agent: 'forecast',
    versions: [
      { group: '_shadow.forecast@3', shadow: true, from: { demand: { lag: 2 } }, actions: ['pause', 'promote', 'decommission'], log: [] },
      {
        group: 'forecast@2',
        in_hand: [{ replica: 0, count: 1, since: expect.stringMatching(/^2025-12-31T23:59:56/) }],
        log: [{ level: 'warn', text: 'it is hot' }],
        actions: ['pause', 'decommission'],
      },
      { group: 'forecast@1', state: 'replaced', actions: [], errors: [{ data_id: bad, message: 'no', letter: 1 }] },
    ],
  })
  expect((await ops.get('/v1/agents/forecast@2')).json.versions).toHaveLength(1)
  expect(await ops.get('/v1/agents/nobody')).toMatchObject({ status: 404, json: { code: 'AGENT_UNKNOWN' } })
})

function busy(startedMs: number) {
  const held = { topic: 'demand', partition: 0, offset: 2, attempt: 1, startedMs, current: true }
  const replica = { state: 'running' as const, sinceMs: 0, restarts: 0, inHand: [held], failing: [], loop: 0.1 }
  return { replicas: [replica], wanted: 1, most: 1, ofPrograms: false, suspects: [] }
}
