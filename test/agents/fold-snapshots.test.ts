import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Agent } from '../../src/agents/agent.ts'
import { runAgent } from '../../src/agents/runner.ts'
import { systemClock } from '../../src/clock.ts'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import { agent, pipeline, topic } from '../../src/index.ts'
import { silentRecorder } from '../../src/instrumentation/recorder.ts'
import { eventually } from '../../src/testing/framework.ts'
import { send as sendTo } from '../../src/testing/send.ts'
import { sceneOf } from './scene.ts'

const reading = topic('reading', z.object({ n: z.number() }), { partitions: 1 })

test('a fold that the log alone does not tell has its snapshot in its first commit, which waits for all that is folded', async () => {
  let finish: () => void = () => undefined
  const waits = new Promise<void>(resolve => {
    finish = resolve
  })
  const counting = agent(
    'counting',
    { version: 1, from: reading, by: () => 'all', state: { init: () => 0, update: n => n + 1 }, concurrency: 2, ordered: false },
    ({ n }) => (n === 1 ? waits : undefined),
  )
  const told: Agent = { ...counting, state: { ...counting.state!, begin: () => false } }
  const commits: { offset: number; snapshots: number[] }[] = []
  await using run = await sceneOf(pipeline('p', { agents: [told] }), engine => ({
    commit(unit) {
      for (const { checkpoint } of unit.checkpoints)
        commits.push({ offset: checkpoint.offset, snapshots: unit.snapshots.map(({ offset }) => offset) })
      return engine.commit(unit)
    },
  }))
  await run.send(reading, [{ n: 0 }, { n: 1 }])
  // The second handler waits, and nothing is committed: time may pass.
  await run.clock.advance('1m')
  expect(commits).toEqual([])
  finish()
  await run.settled()
  expect(commits).toEqual([{ offset: 2, snapshots: [2] }])
  await run.send(reading, { n: 2 })
  await run.settled()
  expect(commits.at(-1)).toEqual({ offset: 3, snapshots: [] })
})

test('where it is stopped before that, nothing is committed and everything is handled again', async () => {
  const handled: number[] = []
  let works = false
  const failing = agent(
    'failing',
    {
      version: 1,
      from: reading,
      by: () => 'all',
      state: { init: () => 0, update: n => n + 1 },
      retry: { backoff: '1h', maxBackoff: '1h' },
    },
    ({ n }) => {
      handled.push(n)
      if (n === 1 && !works) throw new Error('not yet')
    },
  )
  const told: Agent = { ...failing, state: { ...failing.state!, begin: () => false } }
  const engine = await openInMemory()
  await engine.ensure([reading.spec])
  await sendTo(engine, reading, [{ n: 0 }, { n: 1 }], 0)
  const context = { engine, clock: systemClock, recorder: silentRecorder }
  const stands = async () => (await engine.standings()).find(({ topic: name }) => name === 'reading')?.checkpoint.offset
  const first = runAgent(told, context)
  await eventually('the second is handled', () => (handled.length === 2 && first.waiting > 0) || undefined)
  await first.stop(1_000)
  expect(await stands()).toBe(0)
  works = true
  const second = runAgent(told, context)
  await eventually('both are committed', async () => (await stands()) === 2 || undefined)
  expect(handled).toEqual([0, 1, 0, 1])
  await second.stop(1_000)
  await engine.close()
})
