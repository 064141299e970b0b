import { expect, test } from 'vitest'
import { Budget } from '../../src/trace/scan.ts'

function work(ms: number): void {
  for (const untilMs = performance.now() + ms; performance.now() < untilMs; );
}

/** Asks so many questions at once, each of which holds the thread for a while again and again. @returns the milliseconds that they took of it, and all that passed. */
async function ask(questions: number, turns: number, turnMs: number): Promise<{ tookMs: number; passedMs: number }> {
  let tookMs = 0
  const question = async () => {
    const budget = new Budget(0, 0)
    for (let turn = 0; turn < turns; turn++) {
      const begunMs = performance.now()
      work(turnMs)
      tookMs += performance.now() - begunMs
      await budget.breathe()
    }
  }
  const begunMs = performance.now()
  await Promise.all(Array.from({ length: questions }, question))
  return { tookMs, passedMs: performance.now() - begunMs }
}

test.each([
  [1, 11],
  [1, 60],
  [4, 11],
])('the flow has four fifths of a busy thread, with %i questions in turns of %i ms', async (questions, turnMs) => {
  let busy = true
  const flow = () => {
    work(3)
    if (busy) setImmediate(flow)
  }
  setImmediate(flow)
  const { tookMs, passedMs } = await ask(questions, 5, turnMs)
  busy = false
  expect(tookMs / passedMs).toBeLessThan(0.25)
})

test('a question has an idle thread to itself', async () => {
  // A machine that is busy otherwise may take a turn or two away.
  const shares = []
  for (let round = 0; round < 5; round++) {
    const { tookMs, passedMs } = await ask(1, 3, 11)
    shares.push(tookMs / passedMs)
  }
  expect(Math.max(...shares)).toBeGreaterThan(0.9)
})
