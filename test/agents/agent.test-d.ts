import { type Agent, agent, bytes, cache, out, remoteAgent, type Topic, topic } from 'millrace'
import { command } from 'millrace/remote'
import * as v from 'valibot'
import { describe, expectTypeOf, it } from 'vitest'
import { z } from 'zod'

const demand = topic('demand', z.object({ station: z.string(), megawatts: z.number() }), { key: d => d.station })
const alert = topic('alert', z.object({ station: z.string(), level: z.enum(['warn', 'page']) }))
const average = cache('average', z.object({ station: z.string(), mean: z.number() }), { key: a => a.station })
const features = topic('features', z.object({ values: z.array(z.number()), pair: z.tuple([z.number(), z.string()]) }))
const valibotAlert = topic('valibot-alert', v.object({ station: v.string(), level: v.picklist(['warn', 'page']) }))
const measured = topic('measured', z.object({ at: z.string().transform(text => new Date(text)) }))
const frames = topic('frames', bytes())

interface Demand {
  station: string
  megawatts: number
}

describe('a topic', () => {
  it('has the schema’s two types: what may be sent, and what a handler gets', () => {
    expectTypeOf(measured).toExtend<Topic<{ at: string }, { at: Date }>>()
    expectTypeOf(frames).toEqualTypeOf<Topic<Uint8Array, Uint8Array>>()
  })

  it('gives its key the validated datum', () => {
    topic('t', z.object({ n: z.number().transform(String) }), { key: d => d.n })
    // @ts-expect-error: a key is text
    topic('t', z.object({ n: z.number() }), { key: d => d.n })
  })
})

describe('a handler', () => {
  it('gets its topics’ data without an annotation, of several topics one of them', () => {
    agent('one', { version: 1, from: demand }, datum => {
      expectTypeOf(datum).toEqualTypeOf<Demand>()
    })
    agent('time', { version: 1, from: measured }, datum => {
      expectTypeOf(datum).toEqualTypeOf<{ at: Date }>()
    })
    agent('many', { version: 1, from: [demand, alert] }, datum => {
      if ('level' in datum) expectTypeOf(datum.level).toEqualTypeOf<'warn' | 'page'>()
      else expectTypeOf(datum).toEqualTypeOf<Demand>()
      // @ts-expect-error: only one of them has it
      datum.megawatts.toFixed()
    })
    // @ts-expect-error: misspelled
    agent('wrong', { version: 1, from: demand, to: alert }, d => ({ station: d.statoin, level: 'warn' }))
  })

  it('gets a window where one is declared, and only there', () => {
    agent('w', { version: 1, from: demand, by: d => d.station, window: 20 }, (_d, { window }) => {
      expectTypeOf(window).toEqualTypeOf<readonly Demand[]>()
    })
    agent('n', { version: 1, from: demand }, (_d, { window }) => {
      expectTypeOf(window).toBeNever()
    })
  })

  it('gets the state that init returns and update keeps', () => {
    const init = () => ({ n: 0, sum: 0 })
    const by = (d: Demand) => d.station
    agent(
      's',
      { version: 1, from: demand, to: average, by, state: { init, update: (s, d) => ({ n: s.n + 1, sum: s.sum + d.megawatts }) } },
      (d, { state }) => {
        expectTypeOf(state).toEqualTypeOf<{ n: number; sum: number }>()
        return { station: d.station, mean: state.sum / state.n }
      },
    )
    // @ts-expect-error: update must keep what init returns
    agent('s', { version: 1, from: demand, by, state: { init, update: (s, d) => ({ n: d.station, sum: s.sum }) } }, () => {})
    agent('none', { version: 1, from: demand }, (_d, { state }) => {
      expectTypeOf(state).toBeUndefined()
    })
  })

  it('gets the envelope, a signal and the attempt', () => {
    agent('c', { version: 1, from: demand }, (_d, { envelope, signal, attempt }) => {
      expectTypeOf(envelope.dataId).toBeString()
      expectTypeOf(envelope.data).toExtend<Uint8Array>()
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>()
      expectTypeOf(attempt).toBeNumber()
    })
  })
})

describe('outputs', () => {
  it('are one, many, none, at once or later, by array or generator; literals keep their type', () => {
    const to = { version: 1, from: demand, to: alert } as const
    agent('one', to, d => ({ station: d.station, level: 'warn' }))
    agent('later', to, async d => ({ station: d.station, level: 'warn' }))
    agent('some', to, d => (d.megawatts > 1 ? { station: d.station, level: 'warn' } : undefined))
    agent('branch', to, async d => {
      if (d.megawatts > 1) return { station: d.station, level: 'page' }
      return null
    })
    agent('many', to, d => [{ station: d.station, level: 'warn' }])
    agent('yielded', to, function* (d) {
      yield { station: d.station, level: 'warn' }
    })
    agent('streamed', to, async function* (d) {
      // The one place where the compiler widens a literal.
      yield { station: d.station, level: 'warn' as const }
    })
    agent('none', { version: 1, from: demand }, () => {})
    expectTypeOf(agent('typed', to, () => undefined)).toEqualTypeOf<Agent>()
  })

  it('may hold arrays and tuples, written out or made elsewhere', () => {
    agent('literal', { version: 1, from: demand, to: features }, d => ({ values: [d.megawatts, 1], pair: [1, d.station] }))
    agent('later', { version: 1, from: demand, to: features }, async d => ({ values: [d.megawatts, 1], pair: [1, d.station] }))
    agent('made', { version: 1, from: demand, to: features }, (d, { attempt }) => {
      const values: number[] = [attempt]
      return [{ values: values.map(n => n + d.megawatts), pair: [1, 'x'] }]
    })
    agent('bytes', { version: 1, from: frames, to: frames }, frame => Buffer.from(frame.subarray(1)))
  })

  it('of a wrong type are an error on the wrong property', () => {
    const to = { version: 1, from: demand, to: alert } as const
    agent('number for text', to, d => ({
      // @ts-expect-error: station is text
      station: d.megawatts,
      level: 'warn',
    }))
    agent('no such level', to, d => ({
      station: d.station,
      // @ts-expect-error: 'war' is neither 'warn' nor 'page'
      level: 'war',
    }))
    agent('in an array', to, d => [
      {
        station: d.station,
        // @ts-expect-error: the same inside an array
        level: 3,
      },
    ])
    agent('deep', { version: 1, from: demand, to: features }, d => ({
      // @ts-expect-error: the second is text
      values: [d.megawatts, d.station],
      pair: [1, 'x'],
    }))
    agent('valibot', { version: 1, from: valibotAlert, to: valibotAlert }, d => ({
      station: d.station,
      // @ts-expect-error: as with Zod
      level: 'war',
    }))
  })

  it('are an error where the compiler cannot see the property: later, after branches, yielded, missing', () => {
    const to = { version: 1, from: demand, to: alert } as const
    // @ts-expect-error: station is text
    agent('later', to, async d => ({ station: d.megawatts, level: 'warn' }))
    // @ts-expect-error: level is 'warn' or 'page'
    agent('branch', to, d => {
      if (d.megawatts > 3) return
      return { station: d.station, level: 3 }
    })
    // @ts-expect-error: level is 'warn' or 'page'
    agent('yielded', to, function* (d) {
      yield { station: d.station, level: 'war' }
    })
    // @ts-expect-error: no level
    agent('missing', to, d => ({ station: d.station }))
    // @ts-expect-error: it declares no target
    agent('untold', { version: 1, from: demand }, d => ({ station: d.station }))
  })

  it('are sent in the schema’s input form', () => {
    agent('t', { version: 1, from: measured, to: measured }, d => ({ at: d.at.toISOString() }))
    // @ts-expect-error: the wire has text, the handler a Date
    agent('t', { version: 1, from: measured, to: measured }, d => ({ at: d.at }))
  })
})

describe('outputs to several targets', () => {
  it('are addressed, each checked against its own target', () => {
    const to = { version: 1, from: [demand, alert], to: [alert, average] } as const
    agent('m', to, d =>
      'level' in d ? out(alert, { station: d.station, level: d.level }) : [out(average, { station: d.station, mean: d.megawatts })],
    )
    agent('g', to, function* (d) {
      yield out(alert, { station: d.station, level: 'page' })
      yield out(average, { station: d.station, mean: 1 })
    })
    agent('wrong', to, d =>
      out(alert, {
        station: d.station,
        // @ts-expect-error: 'war' is neither 'warn' nor 'page'
        level: 'war',
      }),
    )
    // @ts-expect-error: to which of them?
    agent('bare', to, d => ({ station: d.station, mean: 1 }))
    // @ts-expect-error: demand is not among its targets
    agent('elsewhere', to, d => out(demand, { station: d.station, megawatts: 1 }))
  })
})

describe('replicas', () => {
  it('are a number or a range of threads, and of a remote agent its programs’', () => {
    agent('n', { version: 1, from: demand, to: alert, replicas: 4 }, d => ({ station: d.station, level: 'warn' }))
    agent('r', { version: 1, from: demand, replicas: { min: 1, max: 4 } }, () => undefined)
    // @ts-expect-error: both ends of the range
    agent('half', { version: 1, from: demand, replicas: { max: 4 } }, () => undefined)
    remoteAgent('p', { version: 1, from: demand, to: alert, run: command('python3 mood.py', { replicas: { min: 1, max: 4 } }) })
    // @ts-expect-error: its programs are what is scaled
    remoteAgent('t', { version: 1, from: demand, run: command('python3 mood.py'), replicas: 4 })
  })
})

describe('a handler of batches', () => {
  it('gets a list of data, and for each what a handler is given beside it', () => {
    agent('m', { version: 1, from: demand, to: alert, by: d => d.station, window: 3, batch: { size: 10 } }, (data, { each }) => {
      expectTypeOf(data).toEqualTypeOf<readonly { station: string; megawatts: number }[]>()
      expectTypeOf(each[0]!.window).toEqualTypeOf<readonly { station: string; megawatts: number }[]>()
      return data.map(({ station }) => ({ station, level: 'warn' as const }))
    })
    agent('lists', { version: 1, from: demand, to: alert, batch: { size: 10 } }, async data =>
      data.map(({ station, megawatts }) => (megawatts > 3 ? [{ station, level: 'page' as const }] : undefined)),
    )
  })

  it('returns outputs for each datum, or for all of them where it says so', () => {
    const to = { version: 1, from: demand, to: average } as const
    agent('whole', { ...to, batch: { size: 10, outputs: 'batch' } }, data => ({ station: 'all', mean: data.length }))
    // @ts-expect-error: a list with the outputs of each is wanted
    agent('one', { ...to, batch: { size: 10 } }, data => ({ station: 'all', mean: data.length }))
    // @ts-expect-error: no mean
    agent('wrong', { ...to, batch: { size: 10 } }, data => data.map(({ station }) => ({ station })))
    // @ts-expect-error: a remote agent's program is given batches as it is
    remoteAgent('remote', { ...to, run: command('true'), batch: { size: 10 } })
  })
})
