import { describe, expect, test } from 'vitest'
import { type AgentFacts, diagnose } from '../../src/instrumentation/diagnosis.ts'
import type { HeldDatum, ProcessFacts, ReplicaFacts } from '../../src/instrumentation/replica.ts'

const NOW = 10_000_000
const ID = '0198f3c2-0000-7000-8000-000000000001'
const place = { topic: 'demand', partition: 3, offset: 17 }

function replica(own: Partial<ReplicaFacts> = {}): ReplicaFacts {
  return { state: 'running', sinceMs: NOW - 600_000, restarts: 0, inHand: [], failing: [], loop: 0.1, ...own }
}
function process(own: Partial<ProcessFacts> = {}): ProcessFacts {
  return { replicas: [replica()], wanted: 1, most: 1, ofPrograms: false, suspects: [], ...own }
}
function held(forMs: number, own: Partial<HeldDatum> = {}): HeldDatum {
  return { ...place, attempt: 1, startedMs: NOW - forMs, current: false, ...own }
}
/** An agent with nothing to do, but for what a test says. */
function judged(own: Partial<AgentFacts> = {}): { state: string; words: string } {
  const { state, words } = diagnose({
    nowMs: NOW,
    timeoutMs: 30_000,
    attempts: 5,
    ordered: true,
    isRemote: false,
    rollMs: 0,
    process: process(),
    paused: undefined,
    lag: 0,
    lagMs: 0,
    lagPerSecond: 0,
    movedMs: NOW - 600_000,
    busy: 0,
    last: { data: 0, dead: 0 },
    deadReason: undefined,
    idAt: () => ID,
    ...own,
  })
  return { state, words }
}
const withReplica = (own: Partial<ReplicaFacts>) => process({ replicas: [replica(own)] })

test('a paused agent says by whom and since when, and what waits, whatever else is wrong with it', () => {
  const paused = { by: 'anna', atMs: NOW - 720_000 }
  const words = 'paused by anna for 12 min; 3,100 data wait'
  expect(judged({ paused, lag: 3_100, lagMs: 700_000, process: undefined })).toEqual({ state: 'paused', words })
  expect(judged({ paused, process: process({ replicas: [replica({ inHand: [held(40_000)] })] }) }).words).toBe(
    'paused by anna for 12 min; nothing waits, 1 in hand to be finished',
  )
})

test('an agent with nothing to do is healthy, and so is one that keeps up', () => {
  expect(judged()).toEqual({ state: 'healthy', words: 'healthy' })
  expect(judged({ lag: 900, lagMs: 400, busy: 0.97, lagPerSecond: 3, movedMs: NOW - 50 }).state).toBe('healthy')
})

describe('hung', () => {
  test('from half of its timeout on', () => {
    expect(judged({ process: withReplica({ inHand: [held(14_999)] }) }).state).toBe('healthy')
    expect(judged({ process: withReplica({ inHand: [held(15_000)] }) }).state).toBe('hung')
  })

  test('never before a second, however short the timeout', () => {
    expect(judged({ timeoutMs: 200, process: withReplica({ inHand: [held(999)] }) }).state).toBe('healthy')
    expect(judged({ timeoutMs: 200, process: withReplica({ inHand: [held(1_000)] }) }).state).toBe('hung')
  })

  test('names the datum and the time, and says where its thread stands or that its handler waits', () => {
    const stack = '    at predict (file:///home/me/model.ts:12)\n    at handler (file:///home/me/pipeline.ts:3)'
    expect(judged({ process: withReplica({ inHand: [held(42_500, { current: true, stack })] }) }).words).toBe(
      `hung on ${ID} for 42 s, in predict (model.ts:12)`,
    )
    expect(judged({ process: withReplica({ inHand: [held(180_000)] }) }).words).toBe(
      `hung on ${ID} for 3 min: its handler waits for something that does not come`,
    )
    expect(judged({ idAt: () => undefined, process: withReplica({ inHand: [held(42_000, { current: true })] }) }).words).toBe(
      'hung on demand/3/17 for 42 s',
    )
  })

  test('is said of the datum on the stack, for it keeps the others waiting', () => {
    const inHand = [held(29_000, { offset: 1 }), held(16_000, { offset: 2, current: true })]
    expect(judged({ idAt: ({ offset }) => String(offset), process: withReplica({ inHand }) }).words).toBe('hung on 2 for 16 s')
  })

  test('is not said of what waits for something that is away, such as a program that does not come up', () => {
    const away = { reason: 'The program did not say hello.', sinceMs: NOW - 40_000 }
    expect(judged({ isRemote: true, process: withReplica({ inHand: [held(40_000)], held: away }) }).state).toBe('blocked')
  })

  test('is not said of a program that answers others meanwhile', () => {
    const program = withReplica({ inHand: [held(60_000)] })
    expect(judged({ isRemote: true, process: program, movedMs: NOW - 14_000 }).state).toBe('healthy')
    expect(judged({ isRemote: true, process: program, movedMs: NOW - 15_000 }).words).toBe(`hung on ${ID} for 60 s`)
  })
})

describe('poisoned', () => {
  test('by a datum that has ended its thread twice', () => {
    const by = (attempts: number) => judged({ process: process({ suspects: [{ ...place, attempts, reason: 'out of memory' }] }) })
    expect(by(1).state).toBe('healthy')
    expect(by(2)).toEqual({ state: 'poisoned', words: `poisoned: ${ID} has ended its thread, at 2 of 5 attempts: out of memory` })
  })

  test('of an agent that gives none up, by a datum whose attempts are said without how many there may be', () => {
    const by = { suspects: [{ ...place, attempts: 7, reason: 'out of memory' }] }
    expect(judged({ attempts: Number.POSITIVE_INFINITY, process: process(by) }).words).toBe(
      `poisoned: ${ID} has ended its thread, at 7 attempts: out of memory`,
    )
    const failing = withReplica({ failing: [{ ...place, attempts: 3 }] })
    expect(judged({ attempts: Number.POSITIVE_INFINITY, ordered: true, process: failing }).words).toBe(
      `poisoned: ${ID} has failed 3 attempts and holds back what follows it in its partition`,
    )
  })

  test('by a datum that has failed three times and holds back what follows it', () => {
    const failing = (attempts: number) => withReplica({ failing: [{ ...place, attempts }] })
    expect(judged({ process: failing(2) }).state).toBe('healthy')
    expect(judged({ process: failing(3) }).words).toBe(
      `poisoned: ${ID} has failed 3 of 5 attempts and holds back what follows it in its partition`,
    )
    expect(judged({ process: failing(3), ordered: false }).state).toBe('healthy')
  })

  test('by a tenth of the last data, and never by fewer than five', () => {
    expect(judged({ last: { data: 101, dead: 10 } }).state).toBe('healthy')
    expect(judged({ last: { data: 100, dead: 10 } }).state).toBe('poisoned')
    expect(judged({ last: { data: 4, dead: 4 } }).state).toBe('healthy')
    expect(judged({ last: { data: 5, dead: 5 } }).words).toBe('poisoned: 5 of the last 5 data failed')
    expect(judged({ last: { data: 100, dead: 12 }, deadReason: 'TypeError: no station' }).words).toBe(
      'poisoned: 12 of the last 100 data failed: TypeError: no station',
    )
  })
})

describe('no process', () => {
  const elsewhere = { process: undefined, lag: 1_240 }

  test('where others are to run it and nobody has taken a datum for half a minute', () => {
    expect(judged({ ...elsewhere, lagMs: 40_000, movedMs: NOW - 29_999 }).state).toBe('healthy')
    expect(judged({ ...elsewhere, lagMs: 29_999, movedMs: NOW - 60_000 }).state).toBe('healthy')
    expect(judged({ ...elsewhere, lag: 0, lagMs: 40_000 }).state).toBe('healthy')
    expect(judged({ ...elsewhere, lagMs: 40_000, movedMs: NOW - 31_000 })).toEqual({
      state: 'no_process',
      words: 'no process: 1,240 data wait, and nobody has taken any for 31 s',
    })
  })

  test('where every thread has ended, with the reason; one that still runs is enough, and one that loads for the first time is on its way', () => {
    const ended = replica({ state: 'waiting', restarts: 7, lastError: 'out of memory' })
    expect(judged({ process: process({ replicas: [ended] }) })).toEqual({
      state: 'no_process',
      words: 'no process: its thread has ended 7 times, the last time for: out of memory',
    })
    expect(judged({ process: process({ replicas: [ended, replica()] }) }).state).toBe('healthy')
    expect(judged({ process: withReplica({ state: 'loading' }) }).state).toBe('healthy')
    expect(judged({ process: withReplica({ state: 'loading', restarts: 1 }) }).state).toBe('no_process')
  })

  test('waits out the time for which a storage agent lets data gather', () => {
    const store = { ...elsewhere, rollMs: 300_000 }
    expect(judged({ ...store, lagMs: 329_999, movedMs: NOW - 330_000 }).state).toBe('healthy')
    expect(judged({ ...store, lagMs: 330_000, movedMs: NOW - 330_000 }).state).toBe('no_process')
  })
})

test('blocked, from two seconds on, by what it waits for', () => {
  const by = (forMs: number, reason = 'The store is away.') => judged({ process: withReplica({ held: { reason, sinceMs: NOW - forMs } }) })
  expect(by(1_999).state).toBe('healthy')
  expect(by(42_000)).toEqual({ state: 'blocked', words: 'blocked for 42 s: The store is away.' })
  expect(by(42_000, 'paused: half of its data fail').words).toBe('paused: half of its data fail (for 42 s)')
})

describe('starved', () => {
  const waiting = { lag: 50, lagMs: 12_000, movedMs: NOW - 10_000 }

  test('where data wait, nothing is in hand and nothing has moved for ten seconds', () => {
    expect(judged({ ...waiting, movedMs: NOW - 9_999 }).state).toBe('healthy')
    expect(judged({ ...waiting, lagMs: 9_999 }).state).toBe('healthy')
    expect(judged({ ...waiting, process: withReplica({ sinceMs: NOW - 9_999 }) }).state).toBe('healthy')
    expect(judged({ ...waiting, process: withReplica({ inHand: [held(10)] }) }).state).toBe('healthy')
    expect(judged({ ...waiting, process: withReplica({ failing: [{ ...place, attempts: 1 }] }) }).state).toBe('healthy')
    expect(judged(waiting).state).toBe('starved')
  })

  test('tells a thread that has no time from one that is given nothing', () => {
    expect(judged(waiting).words).toMatch(/^starved: 50 data wait, the oldest for 12 s, and none of its threads is given any/)
    expect(judged({ ...waiting, process: withReplica({ loop: 0.9 }) }).words).toMatch(/its thread has no time for them/)
  })
})

test('slow, where each replica is busy for four fifths of its time and data wait longer and longer', () => {
  const busy = { busy: 0.8, lag: 1_240, lagMs: 5_000, lagPerSecond: 35, movedMs: NOW - 10 }
  expect(judged(busy)).toEqual({ state: 'slow', words: 'slow: 80 % busy, 1,240 data behind and 35 more each second' })
  expect(judged({ ...busy, busy: 0.79 }).state).toBe('healthy')
  expect(judged({ ...busy, lagMs: 4_999 }).state).toBe('healthy')
  expect(judged({ ...busy, lagPerSecond: 0 }).state).toBe('healthy')
  expect(judged({ ...busy, lagPerSecond: undefined }).state).toBe('healthy')
  const two = process({ replicas: [replica(), replica()], wanted: 2 })
  expect(judged({ ...busy, process: two }).state).toBe('healthy')
  expect(judged({ ...busy, busy: 1.6, process: two }).state).toBe('slow')
})

test('behind, from a minute on, and when it will have caught up', () => {
  const late = { lag: 1_240, lagMs: 60_000, movedMs: NOW - 10 }
  expect(judged({ ...late, lagMs: 59_999 }).state).toBe('healthy')
  expect(judged({ ...late, lagPerSecond: -20 })).toEqual({
    state: 'behind',
    words: 'behind: 1,240 data wait, the oldest for 60 s, and caught up in 62 s at this rate',
  })
  expect(judged({ ...late, rollMs: 1_000 }).state).toBe('healthy')
  expect(judged({ ...late, process: undefined }).state).toBe('behind')
})

test('of several, what stops it most is said', () => {
  const inHand = [held(20_000)]
  const reason = { reason: 'The store is away.', sinceMs: NOW - 5_000 }
  const late = { lag: 9, lagMs: 90_000, last: { data: 10, dead: 10 } }
  expect(judged({ ...late, process: withReplica({ inHand }) }).state).toBe('hung')
  expect(judged({ ...late, process: withReplica({ held: reason }) }).state).toBe('poisoned')
  expect(judged({ ...late, last: { data: 10, dead: 0 }, process: withReplica({ held: reason }) }).state).toBe('blocked')
})
