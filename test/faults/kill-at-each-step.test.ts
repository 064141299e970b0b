import { expect, it } from 'vitest'
import type { Failpoint } from '../../src/engine/failpoint.ts'
import { Harness } from './harness.ts'
import type { Load } from './producer.ts'
import { seeded, seedOf } from './random.ts'

type Step = readonly [Failpoint, readonly number[]]

/** Each step of the protocol, and at which of its passes the process dies: early, and with work behind and before it. */
const STEPS: readonly Step[] = [
  ['after-append', [1, 40]],
  ['after-claim', [1, 25]],
  ['after-handler', [2, 30]],
  ['in-commit', [3, 60]],
  ['after-commit', [3, 60]],
  ['after-intent', [1, 4]],
  ['in-roll', [1, 4]],
  ['after-roll', [1, 4]],
]
const DIES_WITHIN_MS = 60_000

it.each([
  { what: 'any step of the protocol', load: { lines: 10 }, steps: STEPS },
  // It is due after many data: larger requests get there sooner.
  { what: 'a snapshot', load: { lines: 500 }, steps: [['in-snapshot', [1]]] },
] satisfies { what: string; load: Load; steps: readonly Step[] }[])(
  'a process killed at $what loses and doubles nothing',
  {
    timeout: 480_000,
  },
  async ({ what, load, steps }) => {
    await using harness = new Harness(seeded(seedOf(`kill at ${what}`)), load)
    harness.send()
    for (const [step, passes] of steps) {
      for (const pass of passes) {
        const millrace = harness.start(`${step}:${pass}`)
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
  },
)
