import { agent, hopping, join, type Pair, remoteAgent, session, topic, tumbling, type WindowOfData, type WindowOfState } from 'millrace'
import { command } from 'millrace/remote'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

interface Demand {
  station: string
  megawatts: number
}
interface Outage {
  station: string
  reason: string
}
const demand = topic('demand', z.object({ station: z.string(), megawatts: z.number() }), { key: d => d.station })
const outage = topic('outage', z.object({ station: z.string(), reason: z.string() }))
const total = topic('total', z.object({ station: z.string(), megawatts: z.number() }))
const by = (d: { station: string }) => d.station

describe('an agent with a time window', () => {
  it('gets the window in place of a datum, and its outputs are checked as ever', () => {
    agent('w', { version: 1, from: demand, to: total, by, window: tumbling('1h') }, (window, context) => {
      expectTypeOf(window).toEqualTypeOf<WindowOfData<Demand>>()
      expectTypeOf(context.window).toBeNever()
      expectTypeOf(context.state).toBeUndefined()
      return { station: window.key, megawatts: window.data.reduce((sum, d) => sum + d.megawatts, 0) }
    })
    agent('h', { version: 1, from: [demand, outage], by, window: hopping('1h', { every: '5m' }) }, window => {
      expectTypeOf(window).toEqualTypeOf<WindowOfData<Demand | Outage>>()
    })
    agent('s', { version: 1, from: demand, to: total, by: d => d.station, window: session('30m') }, ({ key, data }) => ({
      station: key,
      // @ts-expect-error: megawatts is a number
      megawatts: data[0]!.station,
    }))
  })

  it('gets its state where it keeps one', () => {
    const state = { init: () => 0, update: (sum: number, d: Demand) => sum + d.megawatts }
    agent('w', { version: 1, from: demand, to: total, by, window: tumbling('1h'), state }, window => {
      expectTypeOf(window).toEqualTypeOf<WindowOfState<number>>()
      return { station: window.key, megawatts: window.state }
    })
  })

  it('takes a topic for late data that takes its data, and no other', () => {
    agent('w', { version: 1, from: demand, by, window: tumbling('1h', { late: total }) }, () => {})
    // @ts-expect-error: an outage has a reason
    agent('w', { version: 1, from: demand, by, window: tumbling('1h', { late: outage }) }, () => {})
  })

  it('may be remote', () => {
    remoteAgent('r', { version: 1, from: demand, to: total, by, window: tumbling('1h'), run: command('total') })
    remoteAgent('r', { version: 1, from: join(demand, outage, { by, within: '1m' }), to: total, run: command('total') })
  })
})

describe('an agent that reads a join', () => {
  const joined = join(demand, outage, { by: d => d.station, within: '10m' })

  it('gets pairs of both topics’ data', () => {
    agent('j', { version: 1, from: joined, to: total }, pair => {
      expectTypeOf(pair).toEqualTypeOf<Pair<Demand, Outage>>()
      return { station: pair.right.reason, megawatts: pair.left.megawatts }
    })
    // @ts-expect-error: it is the left that has megawatts
    agent('j', { version: 1, from: joined, to: total }, ({ key, right }) => ({ station: key, megawatts: right.megawatts }))
  })

  it('has a window of pairs where it is one that counts', () => {
    agent('j', { version: 1, from: joined, by: pair => pair.key, window: 3 }, (_pair, { window }) => {
      expectTypeOf(window).toEqualTypeOf<readonly Pair<Demand, Outage>[]>()
    })
  })

  it('has a key that both topics have, and a topic for late data that takes both', () => {
    // @ts-expect-error: an outage has no megawatts
    join(demand, outage, { by: d => String(d.megawatts), within: '10m' })
    const either = topic('either', z.object({ station: z.string() }))
    join(demand, outage, { by, within: '10m', late: either })
    // @ts-expect-error: a demand has no reason
    join(demand, outage, { by, within: '10m', late: outage })
  })
})
