import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { FrameCursor } from '../../../src/envelope/frame.ts'
import { agent, cache, out, topic } from '../../../src/index.ts'
import { batch, readAll } from '../../../src/testing/suite-data.ts'
import { Scene } from './scene.ts'

const reading = topic('reading', z.object({ station: z.string(), value: z.number() }), { partitions: 1 })
const total = topic('total', z.object({ station: z.string(), sum: z.number() }), { partitions: 1 })
const latest = cache('latest', z.object({ station: z.string(), sum: z.number() }), { key: value => value.station })
const summing = agent(
  'summing',
  {
    version: 1,
    from: reading,
    to: [total, latest],
    by: r => r.station,
    state: { init: () => 0, update: (sum, r) => sum + r.value },
  },
  (r, { state }) => [out(total, { station: r.station, sum: state }), out(latest, { station: r.station, sum: state })],
)
const echoing = agent('echoing', { version: 1, from: reading, to: total }, r => ({ station: r.station, sum: r.value }))

const ID = (n: number) => `01941f29-7c00-7a5e-8c3b-${String(n).padStart(12, '0')}`
const datum = (n: number) => ({ text: JSON.stringify({ station: 'north', value: n }), id: ID(n) })
/** As JSON, which the suites' batches are not. */
const jsonBatch = (numbers: readonly number[]) => batch('reading', 0, numbers.map(datum), 'application/json')

async function sums(scene: Scene): Promise<number[]> {
  const texts = await readAll(scene.broker.connect(), 'total', 0)
  return texts.map(text => (JSON.parse(text) as { sum: number }).sum)
}

describe('copies in the log', () => {
  it('are handled once, and counted as duplicates, by an agent without state', async () => {
    const scene = new Scene()
    const engine = scene.engine()
    await engine.ensure([reading.spec, total.spec])
    await scene.broker.connect().append([jsonBatch([1, 2, 1]), jsonBatch([2, 3])])
    scene.run(echoing, engine)
    expect(await scene.caughtUp('echoing@1', 'reading')).toMatchObject({ done: 3, duplicate: 2 })
    await scene.broker.connect().append([jsonBatch([3, 1, 4])])
    expect(await scene.caughtUp('echoing@1', 'reading')).toMatchObject({ done: 4, duplicate: 4 })
    expect(await sums(scene)).toEqual([1, 2, 3, 4])
  })

  it('are folded once, also when the trace is lost and the state is built again from the log', async () => {
    const scene = new Scene()
    const first = scene.engine()
    await first.ensure([reading.spec, total.spec])
    await scene.broker.connect().append([jsonBatch([1, 2]), jsonBatch([2, 1, 3])])
    const running = scene.run(summing, first)
    expect(await scene.caughtUp('summing@1', 'reading')).toMatchObject({ done: 3, duplicate: 2 })
    await running.crash()
    scene.loseTrace()
    const second = scene.engine()
    scene.run(summing, second)
    await scene.broker.connect().append([jsonBatch([3, 4])])
    expect(await scene.caughtUp('summing@1', 'reading')).toMatchObject({ done: 4, duplicate: 3 })
    expect(await sums(scene)).toEqual([1, 3, 6, 10])
    expect((await second.cacheEntry('latest', 'north'))?.value).toBe('{"station":"north","sum":10}')
  })
})

describe('a trace that is lost', () => {
  it('takes nothing of a cache with it: it is filled again from the stream when somebody asks, or writes', async () => {
    const scene = new Scene()
    const first = scene.engine()
    await first.ensure([reading.spec, total.spec])
    await scene.broker.connect().append([jsonBatch([1, 2, 3])])
    const running = scene.run(summing, first)
    await scene.caughtUp('summing@1', 'reading')
    await running.stop(1_000)
    const asked = scene.engine(scene.loseTrace())
    expect((await asked.cache('latest'))?.entries.map(entry => entry.value)).toEqual(['{"station":"north","sum":6}'])
    const writing = scene.engine(scene.loseTrace())
    scene.run(summing, writing)
    await scene.broker.connect().append([jsonBatch([4])])
    await scene.caughtUp('summing@1', 'reading')
    expect((await writing.cacheEntry('latest', 'north'))?.value).toBe('{"station":"north","sum":10}')
  })

  it('costs work and no new effect: what is run again has the ids that it had', async () => {
    const scene = new Scene()
    const engine = scene.engine()
    await engine.ensure([reading.spec, total.spec])
    await scene.broker.connect().append([jsonBatch([1, 2, 3])])
    const running = scene.run(echoing, engine)
    await scene.caughtUp('echoing@1', 'reading')
    await running.stop(1_000)
    scene.loseTrace()
    // Its place is lost as well: everything is run again.
    const subscription = scene.engine().subscribe({ name: 'echoing@1', edition: 1 }, ['reading'], 'earliest')
    for await (const lease of subscription) {
      const { checkpoint } = lease.partitions[0]!
      const begun = { ...checkpoint, offset: 0, first: 0, done: 0 }
      await lease.commit([{ topic: 'reading', partition: 0, from: checkpoint.offset, checkpoint: begun }])
      break
    }
    await subscription.close()
    scene.run(echoing)
    await scene.caughtUp('echoing@1', 'reading')
    const read = await scene.broker.connect().read('total', 0, 0, 1_000_000)
    const ids = new Set<string>()
    const cursor = new FrameCursor(read.frames)
    while (cursor.next()) ids.add(cursor.dataId)
    expect([read.count, ids.size]).toEqual([6, 3])
  })
})
