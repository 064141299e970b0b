import { agent, topic } from 'millrace'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { runAgent } from '../../../src/agents/runner.ts'
import type { RunningAgent } from '../../../src/agents/running.ts'
import { systemClock } from '../../../src/clock.ts'
import { openInMemory } from '../../../src/engine/embedded/index.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { silentRecorder } from '../../../src/instrumentation/recorder.ts'
import { send } from '../../../src/testing/send.ts'
import { readAll } from '../../../src/testing/suite-data.ts'

const job = topic('job', z.object({ n: z.number() }), { partitions: 1 })
const result = topic('result', z.object({ n: z.number() }), { partitions: 1 })
const jobs = (count: number) => Array.from({ length: count }, (_, n) => ({ n }))

let engine: Engine
const running: RunningAgent[] = []
beforeEach(async () => {
  engine = await openInMemory()
  await engine.ensure([job.spec, result.spec])
})
afterEach(async () => {
  for (const each of running.splice(0)) await each.crash()
  await engine.close()
})

function start(declared: Parameters<typeof runAgent>[0]): RunningAgent {
  const started = runAgent(declared, { engine, clock: systemClock, recorder: silentRecorder })
  running.push(started)
  return started
}
const results = async () => (await readAll(engine, 'result', 0)).map(text => (JSON.parse(text) as { n: number }).n)
const standing = async (group: string, name = 'job') => (await engine.standings()).find(at => at.group === group && at.topic === name)
const letters = async () => (await engine.letters.list({ limit: 10 })).map(letter => letter.state)

/** Version 1 can do everything but datum 0, which it never has enough of. */
const first = agent(
  'copy',
  { version: 1, from: job, to: result, ordered: false, retry: { attempts: 1_000, backoff: '1h', maxBackoff: '1h' } },
  d => {
    if (d.n === 0) throw new Error('Not yet.')
    return d
  },
)
const second = agent('copy', { version: 2, replaces: 1, from: job, to: result, ordered: false }, d => d)

/** Version 1 has run, and gave the only datum to its dead letters. */
async function oneDead(): Promise<void> {
  const fails = agent('copy', { version: 1, from: job, to: result, retry: { attempts: 1 } }, () => {
    throw new Error('Never.')
  })
  const before = start(fails)
  await send(engine, job, jobs(1), 0)
  await expect.poll(letters).toEqual(['dead'])
  await before.stop(1_000)
}

test('what the version before did beyond its offset is not done again by the one that replaces it', async () => {
  const before = start(first)
  await send(engine, job, jobs(5), 0)
  await expect.poll(results).toEqual([1, 2, 3, 4])
  await before.stop(1_000)
  start(second)
  await expect.poll(async () => (await standing('copy@2'))?.checkpoint.offset).toBe(5)
  expect(await results()).toEqual([1, 2, 3, 4, 0])
  expect((await standing('copy@2'))?.checkpoint).toMatchObject({ done: 5, dead: 0, duplicate: 0, lost: 0 })
})

test('a dead letter of a version that was replaced is replayed to the one that took over', async () => {
  await oneDead()
  start(second)
  await expect.poll(async () => (await standing('copy@2'))?.checkpoint.offset).toBe(1)
  await engine.letters.replay([1], 'test')
  await expect.poll(letters).toEqual(['done'])
  expect(await results()).toEqual([0])
})

test('a letter that was replayed to a version and not handled yet goes over to the one that replaces it', async () => {
  await oneDead()
  await engine.letters.replay([1], 'test')
  start(second)
  await expect.poll(letters).toEqual(['done'])
  expect(await results()).toEqual([0])
})

test('a place is taken over once: a second version that replaces the same one is refused, and says which has it', async () => {
  const copies = agent('copy', { version: 1, from: job, to: result }, d => d)
  const before = start(copies)
  await send(engine, job, jobs(2), 0)
  await expect.poll(results).toEqual([0, 1])
  await before.stop(1_000)
  const taker = start(second)
  await expect.poll(async () => (await standing('copy@2'))?.checkpoint.offset).toBe(2)
  await taker.stop(1_000)
  await send(engine, job, [{ n: 2 }], 0)
  const late = start(agent('copy', { version: 3, replaces: 1, from: job, to: result }, d => d))
  await expect(late.ended).rejects.toThrow('replaces: 2')
  expect(await results()).toEqual([0, 1])
})
