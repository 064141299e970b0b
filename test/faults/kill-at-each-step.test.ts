import { expect, it } from 'vitest'
import type { Failpoint } from '../../src/engine/failpoint.ts'
import { Harness } from './harness.ts'
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

it.each(STEPS)('a process killed %s, at any of its passes %j, loses and doubles nothing', { timeout: 240_000 }, async (step, passes) => {
  // A snapshot is due after many data: larger requests get there sooner.
  await using harness = new Harness(seeded(seedOf(step)), step === 'in-snapshot' ? { lines: 500 } : {})
  harness.send()
  for (const pass of passes) {
    const millrace = harness.start(`${step}:${pass}`)
    const late = setTimeout(() => millrace.signal('SIGTERM'), DIES_WITHIN_MS)
    // By the failpoint's own hand: a process that lives on was never there.
    expect(await millrace.ended, `${step}:${pass} ${millrace.errors}`).toMatchObject({ signal: 'SIGKILL' })
    clearTimeout(late)
    expect(await harness.audit(), `after ${step}:${pass}`).toEqual([])
  }
  harness.start()
  await harness.finish()
  await harness.rest(30_000)
  expect(harness.acknowledged).toBeGreaterThan(0)
  expect(await harness.audit(), 'at rest').toEqual([])
})
