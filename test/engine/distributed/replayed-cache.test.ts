import { expect, it } from 'vitest'
import { z } from 'zod'
import type { DistributedEngine } from '../../../src/engine/distributed/index.ts'
import { cacheTopic } from '../../../src/engine/distributed/internal-topics.ts'
import { FrameCursor } from '../../../src/envelope/frame.ts'
import { agent, cache, topic } from '../../../src/index.ts'
import { partitionOfKey } from '../../../src/stream/partition.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { batch } from '../../../src/testing/suite-data.ts'
import { Scene } from './scene.ts'

const reading = topic('reading', z.object({ station: z.string(), n: z.number() }), { key: d => d.station, partitions: 1 })
const latest = cache('latest', z.object({ station: z.string(), n: z.number() }), { key: d => d.station })

/** Readings 1 to 3 of one station, of which the agent fails at first for some. */
async function failing(fails: (n: number) => boolean) {
  const scene = new Scene()
  const engine = scene.engine()
  const data = [1, 2, 3].map(n => JSON.stringify({ station: 'a', n }))
  await engine.ensure([reading.spec])
  await engine.append([batch('reading', 0, data, 'application/json')])
  let broken = true
  const keep = agent('keep', { version: 1, from: reading, to: latest, retry: { attempts: 1 } }, d => {
    if (broken && fails(d.n)) throw new Error('Broken.')
    return d
  })
  scene.run(keep)
  await scene.caughtUp('keep@1', 'reading')
  broken = false
  return { scene, engine }
}

async function replayAll(engine: DistributedEngine): Promise<void> {
  const dead = await engine.letters.list({ state: 'dead', limit: 10 })
  const numbers = dead.map(({ letter }) => letter)
  await engine.letters.replay(numbers, 'suite')
  await eventually('the replay is done', async () =>
    (await engine.letters.list({ letters: numbers, state: 'done', limit: 10 })).length === numbers.length ? true : undefined,
  )
}

const shownIn = async (engine: DistributedEngine) => (await engine.cacheEntry('latest', 'a'))?.value

it('a dead letter that is replayed puts its older value over no newer one, also where the cache is filled again from the stream', async () => {
  const { scene, engine } = await failing(n => n === 1)
  await replayAll(engine)
  expect(await shownIn(engine)).toBe('{"station":"a","n":3}')
  expect(await shownIn(scene.engine(scene.loseTrace()))).toBe('{"station":"a","n":3}')
})

it('compaction of a cache’s topic never takes a newer value for that of a replay', async () => {
  const { scene, engine } = await failing(n => n === 1)
  await replayAll(engine)
  const spec = cacheTopic('latest')
  const { frames } = await scene.broker.connect().read(spec.name, partitionOfKey('a', spec.partitions), 0, 1_000_000)
  const lasts = new Map<string, number>()
  const cursor = new FrameCursor(frames)
  while (cursor.next()) {
    const { value } = JSON.parse(cursor.dataText) as { value: string }
    lasts.set(cursor.key, (JSON.parse(value) as { n: number }).n)
  }
  expect([...lasts.values()]).toContain(3)
})

it('letters that are replayed together fill a cache that has nothing newer with the newest of them', async () => {
  const { scene, engine } = await failing(() => true)
  await replayAll(engine)
  expect(await shownIn(engine)).toBe('{"station":"a","n":3}')
  expect(await shownIn(scene.engine(scene.loseTrace()))).toBe('{"station":"a","n":3}')
})
