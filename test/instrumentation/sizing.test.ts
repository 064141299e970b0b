import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { CATCH_UP_SECONDS, sizeFor, TARGET, type Workload } from '../../src/instrumentation/sizing.ts'

/** A workload of 10 ms a datum: a replica does 100 a second, and is to do 80. */
function work(partitions: readonly (readonly [arrivalPerSecond: number, backlog: number])[], own: Partial<Workload> = {}): Workload {
  return {
    partitions: partitions.map(([arrivalPerSecond, backlog]) => ({ arrivalPerSecond, backlog })),
    secondsPerDatum: 0.01,
    shared: false,
    ...own,
  }
}
const even = (count: number, arrivalPerSecond: number, backlog = 0) =>
  Array.from({ length: count }, () => [arrivalPerSecond / count, backlog / count] as const)

describe('the number of replicas', () => {
  test('is ceil((arrival + backlog / T) / (capacity × target))', () => {
    expect(sizeFor(work(even(8, 80)), 8)?.replicas).toBe(1)
    expect(sizeFor(work(even(8, 81)), 8)?.replicas).toBe(2)
    expect(sizeFor(work(even(8, 60, 20 * CATCH_UP_SECONDS)), 8)?.replicas).toBe(1)
    expect(sizeFor(work(even(8, 60, 21 * CATCH_UP_SECONDS)), 8)?.replicas).toBe(2)
    expect(sizeFor(work(even(8, 320)), 8)).toEqual({
      replicas: 4,
      heaviest: expect.closeTo(0.8),
      arrivalPerSecond: 320,
      backlog: 0,
      capacityPerSecond: 100,
    })
  })

  test('is what the busiest needs and not the mean, since partitions are indivisible', () => {
    // 2.4 replicas' work in 8 partitions: of 3 replicas two would have 3 of them, which is 0.9 of their time.
    expect(sizeFor(work(even(8, 240)), 8)?.replicas).toBe(4)
    expect(sizeFor(work([...even(1, 70), ...even(3, 30)]), 4)?.replicas).toBe(2)
    expect(sizeFor(work([...even(1, 75), ...even(3, 30)]), 4)?.replicas).toBe(4)
  })

  test('is not raised where none would help: one partition is one replica’s', () => {
    const hot = sizeFor(
      work([
        [500, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ]),
      4,
    )
    expect(hot).toMatchObject({ replicas: 1, heaviest: 5 })
  })

  test('is never more than there may be', () => {
    expect(sizeFor(work(even(8, 10_000)), 8)?.replicas).toBe(8)
    expect(sizeFor(work(even(8, 10_000)), 3)?.replicas).toBe(3)
  })

  test('of programs, which share all data, is that of the whole', () => {
    expect(sizeFor(work([[240, 0]], { shared: true }), 8)?.replicas).toBe(3)
    expect(sizeFor(work([[241, 0]], { shared: true }), 8)?.replicas).toBe(4)
  })

  test('is one where there is nothing to do, and unknown where nobody knows what a datum costs', () => {
    expect(sizeFor(work(even(4, 0), { secondsPerDatum: undefined }), 4)?.replicas).toBe(1)
    expect(sizeFor(work(even(4, 10), { secondsPerDatum: undefined }), 4)).toBeUndefined()
  })

  test('leaves no replica busier than the target unless no number would', () => {
    const partitions = fc.array(fc.tuple(fc.nat(200), fc.nat(3_000)), { minLength: 1, maxLength: 16 })
    fc.assert(
      fc.property(partitions, rows => {
        const sizing = sizeFor(work(rows), rows.length)!
        const all = Array.from({ length: rows.length }, (_, n) => sizeFor(work(rows), n + 1)!.heaviest)
        expect(sizing.heaviest <= TARGET || sizing.heaviest === Math.min(...all)).toBe(true)
        if (sizing.replicas > 1) expect(all[sizing.replicas - 2]!).toBeGreaterThan(TARGET)
      }),
    )
  })
})
