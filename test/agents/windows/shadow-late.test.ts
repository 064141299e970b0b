import { agent, join, pipeline, testPipeline, topic, tumbling } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'

const schema = z.object({ key: z.string(), n: z.number() })
const readings = topic('readings', schema, { key: datum => datum.key, partitions: 1 })
const others = topic('others', schema, { key: datum => datum.key, partitions: 1 })
const late = topic('late', schema, { partitions: 1 })
const hour = (version: number, options: { shadow?: boolean } = {}) =>
  agent(
    'hourly',
    { version, from: readings, by: d => d.key, window: tumbling('1h', { lateness: 0, late, version }), ...options },
    () => undefined,
  )
const targets = (graph: ReturnType<typeof pipeline>, name: string) => {
  const own = graph.agents.get(name)
  return own?.kind === 'agent'
    ? own.to.map(({ name }) => name).filter(name => !name.startsWith('_windows') && !name.startsWith('_pairs'))
    : []
}

test('late data of windows that a shadow alone has are kept apart, as all that comes of it', async () => {
  const graph = pipeline('p', { agents: [hour(1), hour(2, { shadow: true })] })
  await using run = await testPipeline(graph)
  await run.clock.advance('1d')
  for (const [n, minute] of [10, 70, 20].entries()) {
    await run.send(readings, { key: 'a', n }, { createdMs: Date.UTC(2026, 0, 1) + minute * 60_000 })
    await run.settled()
  }
  expect(run.topic(late).data).toEqual([{ key: 'a', n: 2 }])
  const apart = graph.topics.get('_shadow.hourly.windows@2.late')!
  expect(run.topic(apart).data).toEqual([{ key: 'a', n: 2 }])
  expect(apart.spec.retentionMs).toBeLessThanOrEqual(86_400_000)
})

test('what a live version has, too, is live', () => {
  const window = tumbling('1h', { lateness: 0, late })
  const by = (datum: { key: string }) => datum.key
  const make = (version: number, options: { shadow?: boolean }) =>
    agent('hourly', { version, from: readings, by, window, ...options }, () => undefined)
  expect(targets(pipeline('p', { agents: [make(2, { shadow: true }), make(1, {})] }), 'hourly.windows@1')).toEqual(['late'])
  const alone = pipeline('p', { agents: [make(2, { shadow: true })] })
  expect(targets(alone, 'hourly.windows@1')).toEqual(['_shadow.hourly.windows@1.late'])
})

test('so it is with a join', () => {
  const from = join(readings, others, { by: d => d.key, within: '10m', late })
  const met = agent('met', { version: 1, from, shadow: true }, () => undefined)
  expect(targets(pipeline('p', { agents: [met] }), 'met.pairs@1')).toEqual(['_shadow.met.pairs@1.late'])
})
