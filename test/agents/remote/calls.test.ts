import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { Calls } from '../../../src/agents/remote/calls.ts'
import type { Answer } from '../../../src/agents/remote/messages.ts'
import { Away, type RequestLimits, type Service } from '../../../src/agents/remote/service.ts'
import { MillraceError } from '../../../src/errors.ts'
import { handOver, type MoreOfJob } from '../../../src/testing/hand-over.ts'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'
import { failureOf } from './failure.ts'

const TIMEOUT_MS = 30_000
const POISON = 666
const LIMITS: RequestLimits = { requests: 4, batch: 100, batchBytes: 1_000_000, mostBytes: 1_000_000 }

type Reply = (data: readonly number[], signal: AbortSignal) => readonly Answer[] | Promise<readonly Answer[]>

const gone = (options: ConstructorParameters<typeof Away>[1] = {}) =>
  new Away(new MillraceError('REMOTE_UNAVAILABLE', 'It is away.'), options)
const echo = (data: readonly number[]): Answer[] => data.map((datum, n) => ({ n, outputs: [datum] }))
const never = () => new Promise<Answer[]>(() => undefined)
/** A datum that ends whatever works on it, and all that is asked beside it. */
const failsOnPoison: Reply = data => {
  if (data.includes(POISON)) throw new MillraceError('AGENT_CRASHED', 'It broke off.')
  return echo(data)
}

class Scripted implements Service {
  readonly name = 'The service'
  readonly limits: RequestLimits
  readonly requests: number[][] = []
  readonly signals: AbortSignal[] = []
  /** How many were under way when each was sent, itself one of them. */
  readonly beside: number[] = []
  underWay = 0
  closed = false
  reply: Reply

  constructor(reply: Reply, limits: RequestLimits) {
    this.reply = reply
    this.limits = limits
  }

  async call({ body }: { readonly body: string }, signal: AbortSignal): Promise<readonly Answer[]> {
    const data = (JSON.parse(body) as { data: { data: number }[] }).data.map(item => item.data)
    this.requests.push(data)
    this.signals.push(signal)
    this.beside.push(++this.underWay)
    try {
      await turn()
      return await this.reply(data, signal)
    } finally {
      this.underWay--
    }
  }

  close(): void {
    this.closed = true
  }

  /** Waits until no request has come for a few turns: what is under way then has no reply before time passes. */
  async settled(): Promise<void> {
    for (let quiet = 0, seen = -1; quiet < 5; quiet++) {
      await turn()
      if (this.requests.length === seen) continue
      seen = this.requests.length
      quiet = 0
    }
  }
}

function open(reply: Reply, limits: Partial<RequestLimits> = {}) {
  const service = new Scripted(reply, { ...LIMITS, ...limits })
  const clock = new VirtualClock({ settle: () => service.settled() })
  const held: (string | undefined)[] = []
  const facts = { name: 'mood', version: 1, to: [], addressed: false, timeoutMs: TIMEOUT_MS, clock }
  const calls = new Calls(service, facts, { held: error => held.push(error?.message), log: () => undefined })
  const ask = (datum: unknown, more?: MoreOfJob) => handOver(calls, datum, more)
  return { calls, service, clock, held, ask, askAll: (data: readonly number[]) => Promise.all(data.map(datum => ask(datum))) }
}

const upTo = (count: number) => [...Array(count).keys()]

describe('requests', () => {
  it('have what comes in one turn, and say whose it is', async () => {
    const { service, calls, askAll } = open(echo)
    let body = ''
    const send = service.call.bind(service)
    service.call = (request, signal) => {
      ;({ body } = request)
      return send(request, signal)
    }
    expect(await askAll(upTo(10))).toEqual(upTo(10).map(n => [n]))
    expect(service.requests).toEqual([upTo(10)])
    const facts = { type: 'batch', protocol: 1, agent: 'mood', version: 1, codec: 'json', targets: [], addressed: false }
    expect(JSON.parse(body)).toMatchObject({ ...facts, data: upTo(10).map(n => ({ n, data: n, attempt: 1, topic: 'feedback' })) })
    await calls.stop()
  })

  it('have no more data than they may, and no more of them are under way', async () => {
    const { service, askAll } = open(echo, { batch: 7, requests: 3 })
    expect(await askAll(upTo(100))).toHaveLength(100)
    expect(service.requests.map(data => data.length)).toEqual([...Array(14).fill(7), 2])
    expect(Math.max(...service.beside)).toBe(3)
  })

  it('have no more bytes than they may, counted as UTF-8', async () => {
    const { service, ask } = open(data => data.map((_, n) => ({ n, outputs: [] })), { batchBytes: 3_000 })
    await Promise.all(upTo(10).map(() => ask('ü'.repeat(500))))
    // Each datum has 1,000 bytes and what is said of it.
    expect(service.requests.map(data => data.length)).toEqual([2, 2, 2, 2, 2])
  })

  it('are not made for a datum that fits into none: it fails for good, and its neighbours do not', async () => {
    const { service, ask } = open(data => data.map((_, n) => ({ n, outputs: [] })), { mostBytes: 2_000 })
    const large = failureOf(ask('x'.repeat(2_000)))
    await Promise.all([ask('small'), ask('small')])
    expect(await large).toMatchObject({
      code: 'BODY_TOO_LARGE',
      retryable: false,
      message: expect.stringMatching(/has 2\d\d\d bytes, and The service takes 2000/),
    })
    expect(service.requests).toHaveLength(1)
  })
})

describe('a service that is away', () => {
  it('has its data wait, blames nobody, and is asked by one request until it is back', async () => {
    let isAway = true
    const { service, clock, held, askAll } = open(
      data => {
        if (isAway) throw gone()
        return echo(data)
      },
      { batch: 10 },
    )
    const answers = askAll(upTo(100))
    await clock.advance('10m')
    const asked = service.requests.length
    // Four at first, then one after each pause, which grows to 10 s.
    expect(asked).toBeGreaterThan(60)
    expect(asked).toBeLessThan(600)
    expect(service.beside.slice(4)).toEqual(service.beside.slice(4).map(() => 1))
    expect(held.at(-1)).toBe('It is away.')
    isAway = false
    await clock.advance('10s')
    expect(await answers).toEqual(upTo(100).map(n => [n]))
    expect(held.at(-1)).toBeUndefined()
    // Given back as they were: each is in one request more.
    expect(service.requests).toHaveLength(asked + 10)
  })

  it('is left alone for as long as it asks, and for five minutes at most', async () => {
    const { service, clock, ask } = open(() => {
      throw gone({ afterMs: 60_000 })
    })
    void ask(1)
    await clock.advance('59s')
    expect(service.requests).toHaveLength(1)
    await clock.advance('2s')
    expect(service.requests).toHaveLength(2)
    service.reply = () => {
      throw gone({ afterMs: 86_400_000 })
    }
    await clock.advance('60s')
    expect(service.requests).toHaveLength(3)
    await clock.advance('298s')
    expect(service.requests).toHaveLength(3)
    await clock.advance('2s')
    expect(service.requests).toHaveLength(4)
  })

  it('is not taken for back by an answer to what was sent before', async () => {
    const { service, clock, held, ask } = open(data => {
      if (data[0] === 1) throw gone({ afterMs: 10_000 })
      return echo(data)
    })
    void ask(1)
    await turn()
    await ask(2)
    await clock.advance('9s')
    expect(held).toEqual(['It is away.'])
    expect(service.requests).toHaveLength(2)
  })
})

describe('a request that fails and nobody knows why', () => {
  it('is taken apart until the datum that does it is alone: that one fails, the others are answered', async () => {
    const { service, held, askAll, ask } = open(failsOnPoison, { batch: 50, requests: 3 })
    const before = askAll(upTo(120))
    const poison = failureOf(ask(POISON))
    const behind = askAll(upTo(120))
    expect((await poison).code).toBe('AGENT_CRASHED')
    expect([await before, await behind]).toEqual([upTo(120).map(n => [n]), upTo(120).map(n => [n])])
    expect(held).toEqual([])
    const last = service.requests.findLastIndex(data => data.includes(POISON))
    expect([service.requests[last], service.beside[last]]).toEqual([[POISON], 1])
    // 50, then 4, then 1.
    expect(service.requests.filter(data => data.includes(POISON)).map(data => data.length)).toEqual([50, 4, 1])
  })

  it('blames no datum that was alone in its request, and not alone with the service', async () => {
    const broken: (() => void)[] = []
    const { service, ask } = open(
      () => new Promise((_, reject) => broken.push(() => reject(new MillraceError('AGENT_CRASHED', 'It broke off.')))),
    )
    const poison = failureOf(ask(POISON))
    await turn()
    const innocent = ask(1)
    await expect.poll(() => broken.length).toBe(2)
    service.reply = failsOnPoison
    // What the poison does to the service is done to all that is under way.
    for (const breakOff of broken) breakOff()
    expect(await innocent).toEqual([1])
    expect((await poison).code).toBe('AGENT_CRASHED')
    expect(service.requests).toEqual([[POISON], [1], [POISON], [1]])
  })

  it.each<[string, Reply]>([
    ['of a reply that leaves out a datum', data => (data.includes(POISON) ? echo(data).filter(({ n }) => data[n] !== POISON) : echo(data))],
    ['of a reply that answers what was not asked', data => (data.includes(POISON) ? [{ n: data.length, outputs: [] }] : echo(data))],
    ['of a reply that answers twice', data => (data.includes(POISON) ? [...echo(data), { n: 0, outputs: [] }] : echo(data))],
  ])('is the fault %s, and of the datum that it is given for', async (_, reply) => {
    const { askAll, ask } = open(reply)
    const poison = failureOf(ask(POISON))
    expect(await askAll(upTo(20))).toEqual(upTo(20).map(n => [n]))
    expect((await poison).code).toBe('REMOTE_BROKEN')
  })
})

describe('a failure that may be the service’s or a datum’s', () => {
  it('blames nobody for as long as nothing else is answered', async () => {
    let isAway = true
    const { service, clock, held, askAll } = open(
      data => {
        if (isAway) throw gone({ unsure: true })
        return echo(data)
      },
      { batch: 10 },
    )
    const answers = askAll(upTo(40))
    await clock.advance('1h')
    expect(service.requests.length).toBeGreaterThan(360)
    isAway = false
    await clock.advance('1m')
    expect(await answers).toEqual(upTo(40).map(n => [n]))
    expect(held.at(-1)).toBeUndefined()
  })

  it('is the datum’s where others are answered', async () => {
    const { clock, askAll, ask, held } = open(data => {
      if (data.includes(POISON)) throw gone({ unsure: true })
      return echo(data)
    })
    const poison = failureOf(ask(POISON))
    const answers = askAll(upTo(150))
    await clock.advance('1m')
    expect(await answers).toEqual(upTo(150).map(n => [n]))
    expect(await poison).toMatchObject({ code: 'REMOTE_UNAVAILABLE' })
    await ask(1)
    expect(held.at(-1)).toBeUndefined()
  })

  it('is told of a request without a reply in time, which is aborted', async () => {
    const { service, clock, ask, held } = open(data => (data.includes(POISON) ? never() : echo(data)))
    const poison = failureOf(ask(POISON))
    const neighbours = Promise.all([ask(1), ask(2)])
    await clock.advance(TIMEOUT_MS - 1)
    expect(service.signals[0]?.aborted).toBe(false)
    await clock.advance(1)
    expect(service.signals[0]?.aborted).toBe(true)
    expect(held).toEqual([
      "The service did not answer a request with 3 data within 30000 ms. Raise the agent's timeout, or let a request have fewer data (batch).",
    ])
    // Once more before the others, once more behind them.
    await clock.advance(2 * TIMEOUT_MS + 1_000)
    expect(await neighbours).toEqual([[1], [2]])
    expect((await poison).code).toBe('HANDLER_TIMEOUT')
  })
})

it('data that nobody waits for any more are not sent, and a request of such data alone is aborted', async () => {
  const { calls, service, ask } = open(never, { requests: 1, batch: 2 })
  let aborted = false
  for (const n of upTo(4)) void ask(n, { isAborted: () => aborted })
  const wanted = ask(9)
  await turn()
  aborted = true
  service.reply = echo
  calls.cancel()
  expect(await wanted).toEqual([9])
  expect(service.signals[0]?.aborted).toBe(true)
  expect(service.requests).toEqual([[0, 1], [9]])
})

it('nothing waits for a service that is away once its data are another’s', async () => {
  const { calls, clock, held, ask } = open(() => {
    throw gone()
  })
  let aborted = false
  void ask(1, { isAborted: () => aborted })
  await clock.advance('1m')
  expect(held.at(-1)).toBe('It is away.')
  aborted = true
  calls.cancel()
  expect(held.at(-1)).toBeUndefined()
})

it('is stopped: what is under way is aborted, nothing is sent any more, and the service is closed', async () => {
  const { calls, service, clock, ask } = open(never)
  void ask(1)
  await turn()
  await calls.stop()
  void ask(2)
  await clock.advance('1h')
  expect([service.closed, service.signals[0]?.aborted, service.requests]).toEqual([true, true, [[1]]])
})
