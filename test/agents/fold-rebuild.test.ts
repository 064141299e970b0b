import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { folds } from '../../src/agents/fold.ts'
import { rebuildFold } from '../../src/agents/fold-rebuild.ts'
import { MillraceError } from '../../src/errors.ts'
import { agent, topic } from '../../src/index.ts'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import type { Checkpoint, Stream } from '../../src/stream/stream.ts'
import { batch } from '../../src/testing/suite-data.ts'
import { LaggingReader } from '../stream/lagging.ts'

const reading = topic('reading', z.object({ n: z.number() }), { partitions: 1 })
const total = topic('total', z.object({ n: z.number() }), { partitions: 1 })
const summing = agent(
  'summing',
  { version: 1, from: reading, to: total, by: () => 'all', state: { init: () => 0, update: (sum, r) => sum + r.n } },
  (_, { state }) => ({ n: state }),
)

const COUNTS = { done: 0, dead: 0, duplicate: 0, lost: 0, edition: 1 }

/** A log of 1, 2 and 4. */
async function open() {
  const stream = new MemoryBroker().connect()
  await stream.ensure([reading.spec])
  for (const n of [1, 2, 4]) await stream.append([batch('reading', 0, [JSON.stringify({ n })], 'application/json')])
  return stream
}

/** What the agent has as its state when it handles an 8 next. */
async function nextState(checkpoint: Checkpoint, stream: Pick<Stream, 'read'>) {
  if (!folds(summing)) throw new TypeError('It folds.')
  const engine = {
    capabilities: { refusesCopies: true, holdsCopies: true },
    snapshot: async () => undefined,
    read: stream.read.bind(stream),
  }
  const place = { topic: 'reading', partition: 0, checkpoint }
  const fold = await rebuildFold(summing, reading, place, 'summing@1', engine, new AbortController().signal)
  return fold.take({ n: 8 }, Buffer.alloc(16), 0).state
}

test('a fold is built again from all of the log, also where a new leader does not show all of it at once', async () => {
  expect(await nextState({ ...COUNTS, offset: 3, first: 0, done: 3 }, new LaggingReader(await open(), 1, 2))).toBe(15)
})

describe('where the offset was set by hand', () => {
  const setByHand = { ...COUNTS, offset: 2, first: 2, foldFrom: 0 }

  test('a fold is that of all data before it', async () => {
    expect(await nextState(setByHand, await open())).toBe(11)
    expect(await nextState({ ...setByHand, offset: 3, done: 1 }, await open())).toBe(15)
  })

  test('beyond a damaged batch it begins there, and says so', async () => {
    const stream = await open()
    const damaged = new MillraceError('LOG_CORRUPT', 'The record batch of reading/0 at offset 1 cannot be read.')
    const read: Stream['read'] = async (topic, partition, from, maxBytes) => {
      if (from === 1) throw damaged
      return stream.read(topic, partition, from, from < 1 ? 1 : maxBytes)
    }
    const warned = once(process, 'warning')
    expect(await nextState({ ...setByHand, offset: 3, done: 1 }, { read })).toBe(12)
    expect(String(await warned)).toContain('summing@1 begins reading/0 at offset 2, where it was set, with empty windows and states')
    await expect(nextState({ ...COUNTS, offset: 3, first: 0, done: 3 }, { read })).rejects.toThrow(damaged)
  })
})
