import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { ServiceProcess } from '../agents/remote/http/service-process.ts'
import { ROUNDS } from './distributed/rounds.ts'
import { Harness } from './harness.ts'
import { seeded, seedOf } from './random.ts'

const SERVICE = fileURLToPath(new URL('./mean-service.js', import.meta.url))
const KILLS = 66 * ROUNDS
const FROZEN_EVERY = 20
const CALLER_EVERY = 15
const LONGEST_MS = 120

it('the service of a remote agent, killed, away or stopped at any moment, and its caller killed beside it, lose and double nothing', {
  timeout: 360_000 * ROUNDS,
}, async () => {
  const random = seeded(seedOf('kill-service'))
  await using harness = new Harness(random, { lines: 10, pauseMs: 100 })
  await using service = await ServiceProcess.start(SERVICE)
  const start = async () => {
    const millrace = harness.start(undefined, [], { FAULT_SERVICE: `http://127.0.0.1:${service.port}/` })
    await millrace.ready
    return millrace
  }
  let millrace = await start()
  harness.send()
  const faults = { killed: 0, frozen: 0, caller: 0 }
  for (let round = 1; round <= KILLS; round++) {
    await sleep(random() * LONGEST_MS)
    if (round % FROZEN_EVERY === 0) {
      // Longer than the agent's timeout: whatever it says afterwards counts no more.
      await service.freeze(1_200)
      faults.frozen++
    } else {
      await service.kill(random() * LONGEST_MS)
      faults.killed++
    }
    if (round % CALLER_EVERY !== 0) continue
    millrace.signal('SIGKILL')
    faults.caller++
    expect(await millrace.ended, millrace.errors).toMatchObject({ signal: 'SIGKILL' })
    expect(await harness.audit(), `after round ${round}`).toEqual([])
    millrace = await start()
  }
  await harness.finish()
  await harness.rest(30_000)
  console.log(`kill-service: ${harness.acknowledged} acknowledged, ${JSON.stringify(faults)}`)
  expect(harness.acknowledged).toBeGreaterThan(1_000)
  expect(await harness.audit(), 'at rest').toEqual([])
  expect(await millrace.stop(), millrace.errors).toBe(0)
})
