import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { Harness, until } from './harness.ts'
import { seeded, seedOf } from './random.ts'

/** An orchestrator kills what has not ended by then. */
const PATIENCE_MS = 10_000

it('a process told to stop under load answers what is in hand, drains, and ends with 0', { timeout: 90_000 }, async () => {
  await using harness = new Harness(seeded(seedOf('sigterm-under-load')))
  harness.send()
  for (let stop = 1; stop <= 3; stop++) {
    const before = harness.acknowledged
    const millrace = harness.start()
    await until('the load is under way', 20_000, () => harness.acknowledged > before + 500)
    const impatient = setTimeout(() => millrace.signal('SIGKILL'), PATIENCE_MS)
    const told = performance.now()
    expect(await millrace.stop(), millrace.errors).toBe(0)
    console.log(`stopped under load in ${Math.round(performance.now() - told)} ms`)
    clearTimeout(impatient)
    expect(existsSync(join(harness.data, 'runtime.json'))).toBe(false)
    expect(await harness.audit(), `after stop ${stop}`).toEqual([])
  }
  harness.start()
  await harness.finish()
  await harness.rest(30_000)
  expect(await harness.audit(), 'at rest').toEqual([])
})

it('a second signal ends it at once', { timeout: 60_000 }, async () => {
  await using harness = new Harness(seeded(1))
  const millrace = harness.start()
  await millrace.ready
  millrace.signal('SIGTERM')
  millrace.signal('SIGINT')
  const { code } = await millrace.ended
  // In order, if it was quicker than the second signal; otherwise as an interrupted command ends.
  expect([0, 130]).toContain(code)
})
