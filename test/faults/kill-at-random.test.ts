import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { Harness } from './harness.ts'
import { seeded, seedOf } from './random.ts'

const KILLS = 12
const LONGEST_MS = 900

it('a process killed at any moment under load, again and again, loses and doubles nothing', { timeout: 180_000 }, async () => {
  const random = seeded(seedOf('kill-at-random'))
  await using harness = new Harness(random)
  harness.send()
  for (let kill = 1; kill <= KILLS; kill++) {
    const millrace = harness.start()
    // One in four dies while it starts.
    if (kill % 4 !== 0) await millrace.ready
    await sleep(random() * LONGEST_MS)
    millrace.signal('SIGKILL')
    expect(await millrace.ended, millrace.errors).toMatchObject({ signal: 'SIGKILL' })
    if (kill > 1) expect(await harness.audit(), `after kill ${kill}`).toEqual([])
  }
  harness.start()
  await harness.finish()
  await harness.rest(30_000)
  expect(harness.acknowledged).toBeGreaterThan(0)
  expect(await harness.audit(), 'at rest').toEqual([])
})
