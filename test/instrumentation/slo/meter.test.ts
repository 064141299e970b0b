import { agent, bytes, pipeline, topic } from 'millrace'
import { describe, expect, it } from 'vitest'
import type { Sample } from '../../../src/instrumentation/sampler.ts'
import { SloMeter } from '../../../src/instrumentation/slo/meter.ts'

const START = Date.UTC(2026, 0, 1)
const demand = topic('demand', bytes(), { partitions: 1 })
const dispatch = topic('dispatch', bytes(), { partitions: 1 })
const plan = agent('plan', { version: 1, from: demand, to: dispatch }, () => undefined)
const declare = (share: number, within: '2s' | '1h' = '2s') =>
  pipeline('grid', { agents: [plan], slo: { from: demand, to: dispatch, within, share } })

function scene(share = 0.99) {
  const meter = new SloMeter()
  const grid = declare(share)
  meter.use(grid)
  let nowMs = START
  return {
    meter,
    at(ms: number) {
      nowMs = START + ms
    },
    arrive: (good: number, late: number) =>
      meter.arrived({ slo: grid.slos[0]!.id, good, late, unmeasured: 0, ages: [good, late, ...new Array(40).fill(0)] }, nowMs),
    die: (dead: number, topic = 'demand') =>
      meter.work(
        {
          ...{ agent: 'plan', version: 1, topic, partition: 0, done: 0, dead, duplicate: 0, lost: 0 },
          ...{ retries: 0, outputs: 0, queueMs: 0, handlerMs: 0, busyMs: 0, commitMs: 0 },
        },
        nowMs,
      ),
    stand: (next: number, committed: number | undefined) =>
      meter.note({
        atMs: nowMs,
        ended: new Map(),
        paused: new Map(),
        handledPerSecond: new Map(),
        passedPerSecond: new Map(),
        topics: [{ spec: demand.spec, bounds: [{ first: 0, next }], appended: next, perSecond: 0, partitionsPerSecond: [0] }],
        standings:
          committed === undefined
            ? []
            : [
                {
                  ...{ group: 'plan@1', topic: 'demand', partition: 0, first: 0, next },
                  checkpoint: { offset: committed, first: 0, done: committed, dead: 0, duplicate: 0, lost: 0, edition: 1 },
                },
              ],
      } satisfies Sample),
    read: (runsHere = true) => meter.read(nowMs, () => runsHere)[0]!,
  }
}

describe('an objective is kept', () => {
  it('as nothing before the first datum', () => {
    expect(scene().read()).toMatchObject({
      goodShare: undefined,
      p50Ms: undefined,
      burn: { fiveMinutes: undefined, hour: undefined },
      budgetLeft: undefined,
      missed: false,
    })
  })

  it('as good while the budget burns no faster than it may', () => {
    const slo = scene()
    slo.arrive(990, 10)
    const { burn, budgetLeft, missed, goodShare } = slo.read()
    expect(burn.fiveMinutes).toBeCloseTo(1)
    expect(burn.hour).toBeCloseTo(1)
    expect(budgetLeft).toBeCloseTo(0)
    expect(goodShare).toBeCloseTo(0.99)
    expect(missed).toBe(false)
  })

  it('as missed where it burns at 14.4 or more in five minutes and in an hour, and no longer once the five minutes are good', () => {
    const slo = scene()
    slo.arrive(800, 200)
    expect(slo.read().missed).toBe(true)
    slo.at(400_000)
    slo.arrive(100, 0)
    expect(slo.read()).toMatchObject({ missed: false, burn: { fiveMinutes: 0 } })
    expect(slo.read().burn.hour).toBeGreaterThan(14.4)
    slo.at(3_700_000)
    expect(slo.read().burn.hour).toBeCloseTo(0)
  })

  it('as not missed by a burst of five minutes in an hour that is good', () => {
    const slo = scene()
    slo.arrive(100_000, 0)
    slo.at(1_800_000)
    slo.arrive(0, 1_000)
    expect(slo.read()).toMatchObject({ missed: false })
    expect(slo.read().burn.fiveMinutes).toBeCloseTo(100)
  })

  it('as missed at half of the data late, where the budget is so large that it could not burn at 14.4', () => {
    const slo = scene(0.9)
    slo.arrive(60, 40)
    expect(slo.read().missed).toBe(false)
    slo.arrive(0, 30)
    expect(slo.read().missed).toBe(true)
  })

  it('counting what dies on the way as bad, and what dies beside it not', () => {
    const slo = scene()
    slo.arrive(90, 0)
    slo.die(10)
    slo.die(10, '_replay.plan@1')
    expect(slo.read()).toMatchObject({ good: 90, total: 100 })
  })

  it('counting what waits for too long as bad until it arrives', () => {
    const slo = scene()
    slo.arrive(100, 0)
    slo.stand(100, 100)
    slo.at(10_000)
    slo.stand(200, 100)
    expect(slo.read().overdue).toBe(0)
    slo.at(13_000)
    slo.stand(250, 100)
    expect(slo.read()).toMatchObject({ overdue: 100, goodShare: 0.5, missed: true })
    slo.at(14_000)
    slo.stand(250, 250)
    slo.arrive(50, 100)
    expect(slo.read()).toMatchObject({ overdue: 0, goodShare: 0.6 })
  })

  it('counting what waits for an agent that nobody has ever run', () => {
    const slo = scene()
    slo.stand(7, undefined)
    slo.at(5_000)
    slo.stand(7, undefined)
    expect(slo.read()).toMatchObject({ overdue: 7, goodShare: 0 })
  })

  it('as nothing in a process that does not run what is at its end', () => {
    const slo = scene()
    slo.stand(7, 0)
    slo.at(5_000)
    slo.stand(7, 0)
    expect(slo.read(false)).toMatchObject({ isMeasured: false, overdue: 7, goodShare: undefined, budgetLeft: undefined, missed: false })
  })

  it('on over a reload that leaves it, and anew where it is another', () => {
    const slo = scene()
    slo.arrive(10, 0)
    slo.meter.use(declare(0.99))
    expect(slo.read().good).toBe(10)
    slo.meter.use(declare(0.99, '1h'))
    expect(slo.read().good).toBe(0)
  })
})
