import { expect, test } from 'vitest'
import { z } from 'zod'
import { folds } from '../../src/agents/fold.ts'
import { rebuildFold } from '../../src/agents/fold-rebuild.ts'
import { agent, topic } from '../../src/index.ts'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import { batch } from '../../src/testing/suite-data.ts'
import { LaggingReader } from '../stream/lagging.ts'

const reading = topic('reading', z.object({ n: z.number() }), { partitions: 1 })
const total = topic('total', z.object({ n: z.number() }), { partitions: 1 })
const summing = agent(
  'summing',
  { version: 1, from: reading, to: total, by: () => 'all', state: { init: () => 0, update: (sum, r) => sum + r.n } },
  (_, { state }) => ({ n: state }),
)

test('a fold is built again from all of the log, also where a new leader does not show all of it at once', async () => {
  if (!folds(summing)) throw new TypeError('It folds.')
  const stream = new MemoryBroker().connect()
  await stream.ensure([reading.spec])
  for (const n of [1, 2, 4]) await stream.append([batch('reading', 0, [JSON.stringify({ n })], 'application/json')])
  const lagging = new LaggingReader(stream, 1, 2)
  const engine = {
    capabilities: { refusesCopies: true, holdsCopies: true },
    snapshot: async () => undefined,
    read: lagging.read.bind(lagging),
  }
  const checkpoint = { offset: 3, first: 0, done: 3, dead: 0, duplicate: 0, lost: 0, edition: 1 }
  const place = { topic: 'reading', partition: 0, checkpoint }
  const fold = await rebuildFold(summing, reading, place, 'summing@1', engine, new AbortController().signal)
  expect(fold.take({ n: 8 }, Buffer.alloc(16), 0)).toMatchObject({ state: 15 })
})
