import { expect, test } from 'vitest'
import { sizeFor } from '../../src/instrumentation/sizing.ts'
import { Hysteresis, PACE } from '../../src/runtime/hysteresis.ts'

const LOOK_MS = 2_000
const MOST = 4
const CAPACITY = 100

/** An agent on `MOST` partitions whose replicas do 100 data a second each, under a load that a test makes; a look every other second. */
function simulated() {
  const hysteresis = new Hysteresis()
  const history: number[] = []
  let nowMs = 0
  let replicas = 1
  let backlog = 0

  function look(arrivalPerSecond: number): void {
    nowMs += LOOK_MS
    backlog = Math.max(0, backlog + (arrivalPerSecond - replicas * CAPACITY) * (LOOK_MS / 1_000))
    const partitions = Array.from({ length: MOST }, () => ({ arrivalPerSecond: arrivalPerSecond / MOST, backlog: backlog / MOST }))
    const sizing = sizeFor({ partitions, secondsPerDatum: 1 / CAPACITY, shared: false }, MOST)
    const lagMs = (backlog / (replicas * CAPACITY)) * 1_000
    replicas = hysteresis.next(nowMs, replicas, sizing, lagMs)
    if (history.at(-1) !== replicas) history.push(replicas)
  }
  return {
    /** The numbers of replicas that there were, one after the other. */
    history,
    backlog: () => backlog,
    run(seconds: number, arrivalPerSecond: (second: number) => number) {
      for (let at = 0; at < seconds; at += LOOK_MS / 1_000) look(arrivalPerSecond(at))
    },
  }
}

test('a load that rises and falls is followed up at once and down step by step', () => {
  const { run, history, backlog } = simulated()
  run(60, () => 50)
  expect(history).toEqual([1])
  run(60, () => 350)
  expect(history.at(-1)).toBe(MOST)
  run(120, () => 350)
  expect([history.at(-1), backlog()]).toEqual([MOST, 0])
  run(600, () => 50)
  expect(history.slice(history.indexOf(MOST))).toEqual([4, 3, 2, 1])
})

test('a burst that is over before it counts changes nothing', () => {
  const { run, history } = simulated()
  run(300, second => (second % 60 < 4 ? 300 : 40))
  expect(history).toEqual([1])
})

test('a replica that is busy and keeps up gets none beside it', () => {
  const { run, history } = simulated()
  run(300, () => 95)
  expect(history).toEqual([1])
})

test('a load that comes and goes faster than a step down takes does not make it flutter', () => {
  const { run, history } = simulated()
  run(60, () => 170)
  run(600, second => (second % 40 < 20 ? 170 : 60))
  expect(history).toEqual([1, 4])
})

test('up only where more are asked for all the time, to the fewest of them; and nothing where nobody knows', () => {
  const asked = (replicas: number) => ({ replicas, heaviest: 1, arrivalPerSecond: 1, backlog: 1, capacityPerSecond: 1 })
  const hysteresis = new Hysteresis()
  expect(hysteresis.next(0, 1, asked(4), PACE.upLagMs)).toBe(1)
  expect(hysteresis.next(PACE.upMs - 1, 1, asked(3), PACE.upLagMs)).toBe(1)
  expect(hysteresis.next(PACE.upMs, 1, asked(4), PACE.upLagMs)).toBe(3)
  expect(hysteresis.next(0, 1, asked(4), PACE.upLagMs)).toBe(1)
  expect(hysteresis.next(1, 1, undefined, PACE.upLagMs)).toBe(1)
  expect(hysteresis.next(PACE.upMs, 1, asked(4), PACE.upLagMs)).toBe(1)
  expect(hysteresis.next(2 * PACE.upMs - 1, 1, asked(4), PACE.upLagMs - 1)).toBe(1)
  expect(hysteresis.next(2 * PACE.upMs, 1, asked(4), PACE.upLagMs)).toBe(1)
})
