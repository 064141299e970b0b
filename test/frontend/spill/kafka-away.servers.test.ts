import { expect, test } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { openEmbedded } from '../../../src/engine/embedded/index.ts'
import { openSpill } from '../../../src/frontend/spill/open.ts'
import { openKafka } from '../../../src/stream/adapters/kafka/index.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { batch, dataOf } from '../../../src/testing/suite-data.ts'
import { startKafka } from '../../servers/kafka.ts'
import { spills } from './spills.ts'

const { directory } = spills()
const WRITERS = 4

test('a broker that is killed and comes back costs producers nothing: all are accepted, and each writer’s data are in order', async () => {
  await using kafka = await startKafka()
  const stream = await openKafka({ brokers: kafka.address.split(','), pipeline: 'spilling' })
  await stream.ensure([{ name: 'demand', partitions: 2, retentionMs: 86_400_000 }])
  const spill = await openSpill({
    stream,
    directory: directory(),
    maxBytes: 100_000_000,
    topics: [{ name: 'demand', partitions: 2 }],
    clock: systemClock,
    openLog: openEmbedded,
    appendTimeoutMs: 500,
    // The shortest pauses there are.
    random: () => 0,
  })
  const accepted: string[] = []
  let isOver = false
  async function write(writer: number): Promise<void> {
    for (let turn = 0; !isOver; turn++) {
      const text = `${writer}-${turn}`
      await spill.append([batch('demand', writer % 2, [text])])
      accepted.push(text)
    }
  }
  const writing = Promise.all(Array.from({ length: WRITERS }, (_, writer) => write(writer)))
  const more = async (what: string, count: number) => {
    const before = accepted.length
    await eventually(what, () => (accepted.length > before + count ? true : undefined))
  }
  try {
    await more('data are accepted by the broker', 200)
    await kafka.kill()
    await eventually('it is away', () => (spill.status().state === 'spilling' ? true : undefined))
    await more('data are accepted without it', 1_000)
    await kafka.restart()
    await eventually('it takes what was spilled', () => (spill.status().state === 'direct' ? true : undefined))
    await more('data are accepted by the broker again', 200)
  } finally {
    isOver = true
    await writing
    await spill.close(0)
  }
  expect(spill.status().data).toBe(0)

  const stored = new Map<string, string>()
  for (const partition of [0, 1]) {
    for (let at = 0; ; ) {
      const read = await stream.read('demand', partition, at, 1_000_000)
      if (read.count === 0) break
      for (const { id, text } of dataOf(read, at)) if (!stored.has(id)) stored.set(id, text)
      at = read.first + read.count
    }
  }
  await stream.close()
  const texts = [...stored.values()]
  expect(texts).toHaveLength(accepted.length)
  for (let writer = 0; writer < WRITERS; writer++) {
    const turns = texts.filter(text => text.startsWith(`${writer}-`)).map(text => Number(text.split('-')[1]))
    expect(turns).toEqual(turns.map((_, i) => i))
  }
}, 120_000)
