import { type ChildProcess, spawn } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { freePort } from '../servers/port.ts'
import { ROUNDS } from './distributed/rounds.ts'
import { Harness, until } from './harness.ts'
import { seeded, seedOf } from './random.ts'

const KILLS = 66 * ROUNDS
/** In one round of so many a worker is stopped past its time, in another the runner dies, every other time beside a worker. */
const EVERY = 10
const WORKERS = 2
const LONGEST_MS = 120
/** Beyond the agent's timeout of a second. */
const STOPPED_MS = 1_300
const READY_MS = 30_000
const WORKER = fileURLToPath(new URL('./mean-worker.js', import.meta.url))

/** A worker that attaches, and what it has said of its last claim. */
interface Worker {
  readonly process: ChildProcess
  state: string
  said: number
  refused: number
}

it('attached workers, their runner, or both, killed or stopped at any moment, lose and double nothing', {
  timeout: 480_000 * ROUNDS,
}, async () => {
  const random = seeded(seedOf('kill-attached'))
  await using harness = new Harness(random, { lines: 10, pauseMs: 100 })
  const port = await freePort()
  const runner = () => harness.start(undefined, ['--attach', `127.0.0.1:${port}`], { FAULT_ATTACHED: '1' })
  const workers = Array.from({ length: WORKERS }, () => attach(port))
  try {
    let millrace = runner()
    await millrace.ready
    harness.send()
    const kills = { worker: 0, stopped: 0, runner: 0 }
    for (let round = 1; round <= KILLS; round++) {
      await sleep(random() * LONGEST_MS)
      const at = Math.floor(random() * WORKERS)
      const worker = workers[at]!
      if (round % EVERY === 1) {
        // Stopped with a claim in hand, which is another's when it goes on: what it commits then is refused. What it had committed already, and
        // had not heard of yet, is not.
        const before = worker.refused
        while (worker.refused === before) {
          await stopWithWork(worker)
          const said = worker.said
          await sleep(STOPPED_MS)
          worker.process.kill('SIGCONT')
          await until('it goes on', READY_MS, () => worker.said > said)
          kills.stopped++
        }
        continue
      }
      if (round % EVERY !== 0 || round % (2 * EVERY) === 0) {
        worker.process.kill('SIGKILL')
        workers[at] = attach(port)
        kills.worker++
      }
      if (round % EVERY !== 0) continue
      millrace.signal('SIGKILL')
      kills.runner++
      expect(await millrace.ended, millrace.errors).toMatchObject({ signal: 'SIGKILL' })
      expect(await harness.audit(), `after round ${round}`).toEqual([])
      millrace = runner()
      await millrace.ready
    }
    await harness.finish()
    await harness.rest(60_000)
    console.log(`kill-attached: ${harness.acknowledged} acknowledged, ${JSON.stringify(kills)}`)
    expect(harness.acknowledged).toBeGreaterThan(200)
    expect(await harness.audit(), 'at rest').toEqual([])
    expect(await millrace.stop(), millrace.errors).toBe(0)
  } finally {
    for (const { process } of workers) process.kill('SIGKILL')
  }
})

function attach(port: number): Worker {
  const child = spawn(process.execPath, [WORKER], {
    env: { ...process.env, MILLRACE_URL: `http://127.0.0.1:${port}`, MILLRACE_AGENT: 'remote-mean@1' },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const worker: Worker = { process: child, state: '', said: 0, refused: 0 }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.trim().split('\n')) {
      worker.state = line
      worker.said++
      if (line === 'refused') worker.refused++
    }
  })
  return worker
}

async function stopWithWork(worker: Worker): Promise<void> {
  await until('it is stopped with a claim in hand', READY_MS, async () => {
    worker.process.kill('SIGSTOP')
    // What it said before it was stopped.
    await sleep(50)
    if (worker.state === 'claimed') return true
    worker.process.kill('SIGCONT')
    return false
  })
}
