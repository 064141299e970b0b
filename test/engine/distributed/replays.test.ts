import { expect, it } from 'vitest'
import { z } from 'zod'
import { LETTERS } from '../../../src/engine/distributed/internal-topics.ts'
import { agent, cache, topic } from '../../../src/index.ts'
import { eventually } from '../../../src/testing/framework.ts'
import { batch } from '../../../src/testing/suite-data.ts'
import { Scene } from './scene.ts'

const reading = topic('reading', z.object({ station: z.string(), n: z.number() }), { key: d => d.station, partitions: 1 })
const made = topic('made', z.object({ n: z.number() }), { partitions: 1 })
const latest = cache('latest', z.object({ station: z.string(), n: z.number() }), { key: d => d.station })
const PLACE = { topic: 'reading', partition: 0 }
const LATE = { name: 'late', version: 1 }

const data = (...readings: { station: string; n: number }[]) =>
  batch(
    'reading',
    0,
    readings.map(d => JSON.stringify(d)),
    'application/json',
  )

/** An agent that begins behind readings 1 and 2 of `a` and 1 of `b`, and has had reading 3 of `a`. */
async function late() {
  const scene = new Scene()
  const engine = scene.engine()
  await engine.ensure([reading.spec])
  await engine.append([data({ station: 'a', n: 1 }, { station: 'a', n: 2 }, { station: 'b', n: 1 })])
  const keeps = agent('late', { version: 1, from: reading, to: latest, start: 'latest' }, d => d)
  scene.run(keeps)
  await scene.caughtUp('late@1', 'reading')
  await engine.append([data({ station: 'a', n: 3 })])
  await scene.caughtUp('late@1', 'reading')
  return { scene, engine }
}

it('a replayed value of the past is shown where nothing newer is, the last of them, and never in its place', async () => {
  const { scene, engine } = await late()
  await engine.replay(LATE, PLACE, [{ first: 0, end: 3 }])
  await eventually('the replay is done', async () => ((await engine.cacheEntry('latest', 'b')) === undefined ? undefined : true))
  const shown = async (at = engine) => [(await at.cacheEntry('latest', 'a'))?.value, (await at.cacheEntry('latest', 'b'))?.value]
  expect(await shown()).toEqual(['{"station":"a","n":3}', '{"station":"b","n":1}'])
  await engine.append([data({ station: 'b', n: 9 })])
  await scene.caughtUp('late@1', 'reading')
  expect(await shown()).toEqual(['{"station":"a","n":3}', '{"station":"b","n":9}'])
  expect(await shown(scene.engine(scene.loseTrace()))).toEqual(['{"station":"a","n":3}', '{"station":"b","n":9}'])
})

it('data that are no letters leave nothing in the letters when they are done', async () => {
  const { scene, engine } = await late()
  await engine.ensure([LETTERS])
  await engine.replay(LATE, PLACE, [{ first: 0, end: 3 }])
  await scene.caughtUp('late@1', '_replay.late@1')
  expect((await engine.bounds(LETTERS.name))[0]?.next).toBe(0)
})

it('replayed with the trace wiped in between, its outputs have the ids of the first time', async () => {
  const scene = new Scene()
  const engine = scene.engine()
  await engine.ensure([reading.spec, made.spec])
  await engine.append([data({ station: 'a', n: 1 })])
  const makes = agent('late', { version: 1, from: reading, to: made, start: 'latest' }, d => ({ n: d.n }))
  const running = scene.run(makes)
  await scene.caughtUp('late@1', 'reading')
  await engine.replay(LATE, PLACE, [{ first: 0, end: 1 }])
  await scene.caughtUp('late@1', '_replay.late@1')
  await running.stop(1_000)
  const again = scene.engine(scene.loseTrace())
  scene.run(makes, again)
  await again.replay(LATE, PLACE, [{ first: 0, end: 1 }])
  await scene.caughtUp('late@1', '_replay.late@1')
  const { frames, count } = await again.read('made', 0, 0, 100_000)
  expect(count).toBe(2)
  const [first, second] = [frames.subarray(20, 36), frames.subarray(frames.length / 2 + 20, frames.length / 2 + 36)]
  expect(Buffer.from(first).equals(second)).toBe(true)
})
