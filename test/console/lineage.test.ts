import { agent, pipeline, topic, tumbling } from 'millrace'
import { expect, it } from 'vitest'
import { z } from 'zod'
import { listen } from './ops.ts'

const readings = topic('readings', z.string(), { partitions: 1 })
const hourly = agent('hourly', { version: 1, from: readings, by: () => 'all', window: tumbling('1h') }, () => undefined)

it('goes from a datum to its window, which a datum of another key has closed', async () => {
  const [between] = pipeline('p', { agents: [hourly] }).agents.get('hourly@1')!.from
  await using ops = await listen(['readings', between!.name], { pipeline: pipeline('p', { agents: [hourly] }) })
  const [first] = await ops.scene.send('readings', 'a', '1')
  await ops.scene.send('readings', 'b', '2')
  const close = ({ key }: { readonly key: string }) => (key === 'b' ? [{ topic: between!.name, data: '{}', parents: [first!] }] : [])
  await ops.scene.work({ name: 'hourly.windows', version: 1 }, ['readings'], close, { most: 1 })
  await ops.scene.work({ name: 'hourly.windows', version: 1 }, ['readings'], close, { most: 1 })
  const { json } = await ops.get(`/v1/lineage/${first}`)
  expect(json.data.map((datum: { topic: string }) => datum.topic)).toEqual(['readings', '_windows.hourly@1'])
})
