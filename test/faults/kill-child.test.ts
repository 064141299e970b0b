import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { ROUNDS } from './distributed/rounds.ts'
import { Harness, until } from './harness.ts'
import { seeded, seedOf } from './random.ts'

/** Of all three kinds of remote agents more than 200. */
const KILLS = 84 * ROUNDS
/** The runner dies in one round of so many, every other time beside a child. */
const RUNNER_EVERY = 14
const STOPPED_EVERY = 9
const LONGEST_MS = 250
const READY_MS = 30_000

it('the processes of a remote agent, their runner, or both, killed or stopped at any moment, lose and double nothing', {
  timeout: 480_000 * ROUNDS,
}, async () => {
  const random = seeded(seedOf('kill-child'))
  await using harness = new Harness(random, { lines: 10, pauseMs: 100 })
  const pids = join(harness.folder, 'pids')
  writeFileSync(pids, '')
  const children = () => readFileSync(pids, 'utf8').split('\n').filter(Boolean).map(Number)
  const start = async () => {
    const before = children().length
    const millrace = harness.start(undefined, [], { FAULT_PIDS: pids })
    await millrace.ready
    await until('its children are up', READY_MS, () => children().length >= before + 2)
    return millrace
  }
  let millrace = await start()
  harness.send()
  const kills = { child: 0, stopped: 0, runner: 0 }
  for (let round = 1; round <= KILLS; round++) {
    await sleep(random() * LONGEST_MS)
    const before = children()
    const alive = before.filter(pid => signal(pid, 0))
    const child = alive[Math.floor(random() * alive.length)]!
    if (round % RUNNER_EVERY !== 0) {
      // Stopped for longer than its timeout: it is given up, and what it says when it goes on counts no more.
      const isStopped = round % STOPPED_EVERY === 0
      if (signal(child, isStopped ? 'SIGSTOP' : 'SIGKILL')) kills[isStopped ? 'stopped' : 'child']++
      await until('another has its place', READY_MS, () => children().length > before.length)
      if (isStopped) signal(child, 'SIGCONT')
      continue
    }
    if (round % (2 * RUNNER_EVERY) === 0) {
      signal(child, 'SIGKILL')
      kills.child++
    }
    millrace.signal('SIGKILL')
    kills.runner++
    expect(await millrace.ended, millrace.errors).toMatchObject({ signal: 'SIGKILL' })
    expect(await harness.audit(), `after round ${round}`).toEqual([])
    await until('its children end with it', READY_MS, () => before.every(pid => !signal(pid, 0)))
    millrace = await start()
  }
  await harness.finish()
  await harness.rest(60_000)
  console.log(`kill-child: ${harness.acknowledged} acknowledged, ${JSON.stringify(kills)}`)
  expect(harness.acknowledged).toBeGreaterThan(1_000)
  expect(await harness.audit(), 'at rest').toEqual([])
  expect(await millrace.stop(), millrace.errors).toBe(0)
  expect(children().filter(pid => signal(pid, 0))).toEqual([])
})

/** @returns whether there was such a process. */
function signal(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    return false
  }
}
