import { expect, it } from 'vitest'
import type { Failpoint } from '../../src/engine/failpoint.ts'
import { Harness, until } from './harness.ts'
import type { Millrace } from './millrace.ts'
import { seeded, seedOf } from './random.ts'

/** Each step of the protocol, and at which of its passes the process dies, with work behind and before it; of rolls early, too. */
const STEPS: readonly (readonly [Failpoint, readonly number[]])[] = [
  ['after-append', [40]],
  ['after-claim', [25]],
  ['after-handler', [30]],
  ['in-commit', [60]],
  ['after-commit', [60]],
  ['after-intent', [1, 4]],
  ['in-roll', [1, 4]],
  ['after-roll', [1, 4]],
  ['in-snapshot', [1]],
]
const DIES_WITHIN_MS = 60_000
const READY_MS = 20_000
const FAULT = 'kill-at-each-step'

it('a process killed at any step of the protocol loses and doubles nothing', { timeout: 480_000 }, async () => {
  await using harness = new Harness(seeded(seedOf(FAULT)), { lines: 10 })
  harness.send()
  for (const [step, passes] of STEPS) {
    for (const pass of passes) {
      const millrace = harness.start(`${step}:${pass}`)
      if (step === 'in-snapshot') await stopAtWork(harness, millrace)
      const late = setTimeout(() => millrace.signal('SIGTERM'), DIES_WITHIN_MS)
      // By the failpoint's own hand: a process that lives on was never there.
      expect(await millrace.ended, `${step}:${pass} ${millrace.errors}`).toMatchObject({ signal: 'SIGKILL' })
      clearTimeout(late)
      expect(await harness.audit(), `after ${step}:${pass}`).toEqual([])
    }
  }
  harness.start()
  await harness.finish()
  await harness.rest(30_000)
  expect(harness.acknowledged).toBeGreaterThan(0)
  expect(await harness.audit(), 'at rest').toEqual([])
})

/** So few data need no snapshot before the end: it is taken when a process that has folded some is told to stop. */
async function stopAtWork(harness: Harness, millrace: Millrace): Promise<void> {
  await millrace.ready
  const before = harness.acknowledged
  await until('it has been sent data', READY_MS, () => harness.acknowledged > before)
  millrace.signal('SIGTERM')
}
