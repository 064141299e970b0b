import { expect, it, vi } from 'vitest'
import type { WorkFact } from '../../src/instrumentation/recorder.ts'
import { type Facts, recordThrough } from '../../src/runtime/port-recorder.ts'

const fact = (done: number) => ({ agent: 'a', version: 1, topic: 't', partition: 0, done }) as WorkFact // what matters here

it('sends a batch of facts at most ten times a second, and the latest of what is in hand', () => {
  vi.useFakeTimers()
  try {
    const sent: Facts[] = []
    const recorder = recordThrough(facts => sent.push(facts))
    for (let done = 1; done <= 5; done++) {
      recorder.inHand?.({ agent: 'a', version: 1, replica: 0, count: done, sinceMs: 1 })
      recorder.work(fact(done))
    }
    expect(sent).toHaveLength(0)
    vi.advanceTimersByTime(100)
    expect(sent).toHaveLength(1)
    expect(sent[0]!.work.map(({ done }) => done)).toEqual([1, 2, 3, 4, 5])
    expect(sent[0]!.inHand?.count).toBe(5)
    vi.advanceTimersByTime(10_000)
    expect(sent).toHaveLength(1)
  } finally {
    vi.useRealTimers()
  }
})

it('does not gather without end when its timer cannot fire', () => {
  const sent: Facts[] = []
  const recorder = recordThrough(facts => sent.push(facts))
  for (let done = 0; done < 2_500; done++) recorder.work(fact(done))
  expect(sent.map(({ work }) => work.length)).toEqual([1_000, 1_000])
  recorder.flush()
  expect(sent.map(({ work }) => work.length)).toEqual([1_000, 1_000, 500])
})
