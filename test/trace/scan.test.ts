import { expect, test } from 'vitest'
import { Budget } from '../../src/trace/scan.ts'

function work(ms: number): void {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs; );
}

/** How long a question stays away after each of its turns. */
async function rests(turns: number): Promise<number[]> {
  const budget = new Budget(0, 0)
  const away: number[] = []
  for (let turn = 0; turn < turns; turn++) {
    work(11)
    const endedMs = performance.now()
    await budget.breathe()
    away.push(performance.now() - endedMs)
  }
  return away
}

test('a question leaves a busy thread to the flow for most of the time', async () => {
  let busy = true
  const flow = () => {
    work(3)
    if (busy) setImmediate(flow)
  }
  setImmediate(flow)
  const away = await rests(5)
  busy = false
  expect(Math.min(...away)).toBeGreaterThan(39)
})

test('a question does not rest where nobody else has anything to do', async () => {
  // A machine that is busy otherwise may take a turn or two away.
  expect(Math.min(...(await rests(20)))).toBeLessThan(10)
})
