import { agent, pipeline, topic } from 'millrace'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { listen } from './ops.ts'

const schema = z.object({ station: z.string(), megawatts: z.number() })
const demand = topic('demand', schema, { partitions: 1, key: d => d.station, retention: { age: '1h', size: '1GB' } })
const grid = pipeline('grid', { agents: [agent('forecast', { version: 1, from: demand, to: [] }, () => undefined)] })

test('a topic is shown with its partitions, its schema, and which keys its newest data have', async () => {
  await using ops = await listen(['demand'], { pipeline: grid })
  await ops.get('/v1/topics')
  await ops.scene.send('demand', 'CE', '1', '2', '3')
  await ops.scene.send('demand', 'FR', '4')
  await ops.scene.clock.advance('4s')
  expect((await ops.get('/v1/topics/demand')).json).toEqual({
    ...{ topic: 'demand', entry: true, keyed: true, retention_seconds: 3_600, retention_bytes: null, in_per_second: 1 },
    partitions: [{ partition: 0, first: 0, next: 4, in_per_second: 1 }],
    ...{ written_by: [], read_by: ['forecast@1'] },
    keys: {
      sampled: 4,
      distinct: 2,
      top: [
        { key: 'CE', partition: 0, share: 0.75 },
        { key: 'FR', partition: 0, share: 0.25 },
      ],
    },
    schema: expect.objectContaining({ type: 'object', required: ['station', 'megawatts'] }),
  })
})

test('keys that tell what a topic hides are not shown', async () => {
  const masked = topic('demand', schema, { partitions: 1, key: d => d.station, mask: ['station'] })
  await using ops = await listen(['demand'], { pipeline: pipeline('grid', { agents: [], topics: [masked] }) })
  await ops.scene.send('demand', 'CE', '{"station":"CE"}')
  expect((await ops.get('/v1/topics/demand')).json.keys.top).toEqual([{ key: '•••', partition: 0, share: 1 }])
})

test('a topic that is not there is said to be none', async () => {
  await using ops = await listen(['demand'], { pipeline: grid })
  expect((await ops.get('/v1/topics/nothing')).json).toMatchObject({ status: 404, code: 'TOPIC_UNKNOWN' })
})
