import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openLookup } from '../../../../src/agents/remote/http/addresses.ts'
import { type HttpLimits, type HttpOptions, httpWithin, LIMITS } from '../../../../src/agents/remote/http/http.ts'
import { http } from '../../../../src/agents/remote/index.ts'
import { systemClock } from '../../../../src/clock.ts'
import { handOver } from '../../../../src/testing/hand-over.ts'
import { remoteSuite } from '../../../../src/testing/remote-suite.ts'
import { failureOf } from '../failure.ts'
import type { Item } from '../item.ts'
import { ServiceProcess } from './service-process.ts'

const ORDERS = fileURLToPath(new URL('./orders-service.js', import.meta.url))
let orders: ServiceProcess
beforeAll(async () => {
  orders = await ServiceProcess.start(ORDERS)
})
afterAll(() => orders[Symbol.asyncDispose]())

remoteSuite({ describe, it }, 'a service asked by http()', () => http(`http://127.0.0.1:${orders.port}/orders`, { private: true }))

interface Asked {
  readonly request: IncomingMessage
  readonly body: { readonly data: readonly Item[] }
}

type Answering = (asked: Asked, response: ServerResponse) => void

const echo: Answering = ({ body }, response) => {
  response.end(JSON.stringify({ results: body.data.map(({ n, data }) => ({ n, outputs: [data] })) }))
}

/** A service on loopback, and a remote that asks it. */
async function scene(answering: Answering, options: HttpOptions = {}, limits: Partial<HttpLimits> = {}, path = '/') {
  const asked: Asked[] = []
  const service = { answering }
  const server = createServer((request, response) => {
    const parts: Buffer[] = []
    request.on('data', part => parts.push(part))
    request.on('end', () => {
      const one = { request, body: JSON.parse(Buffer.concat(parts).toString('utf8')) }
      asked.push(one)
      service.answering(one, response)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo // of a server that listens on TCP
  return { ...open(`http://127.0.0.1:${port}${path}`, { private: true, ...options }, limits), asked, service, port }
}

function open(url: string, options: HttpOptions, limits: Partial<HttpLimits> = {}, timeoutMs = 5_000) {
  const held: (string | undefined)[] = []
  const facts = { name: 'mood', version: 1, to: [], addressed: false, timeoutMs, clock: systemClock }
  const remote = httpWithin({ ...LIMITS, ...limits }, url, options).open(facts, {
    held: error => held.push(error?.message),
    log: () => undefined,
  })
  onTestFinished(() => remote.stop(0))
  return { held, remote, ask: (datum: unknown) => handOver(remote, datum) }
}

describe('a request', () => {
  it('is a POST with JSON, what docs/protocol.md says, and the headers that are asked for', async () => {
    const { ask, asked } = await scene(
      echo,
      { headers: { Authorization: async () => 'Bearer secret', 'x-team': 'mood' } },
      {},
      '/v1/mood?model=2',
    )
    expect(await ask({ text: 'gut, schön' })).toEqual([{ text: 'gut, schön' }])
    const [{ request, body }] = asked as [Asked]
    expect([request.method, request.url]).toEqual(['POST', '/v1/mood?model=2'])
    expect(request.headers).toMatchObject({
      accept: 'application/json',
      'content-type': 'application/json',
      authorization: 'Bearer secret',
      'x-team': 'mood',
    })
    expect(body).toMatchObject({ protocol: 1, agent: 'mood', version: 1, data: [{ n: 0, topic: 'feedback', attempt: 1 }] })
  })

  it('uses a connection again', async () => {
    const { ask, asked } = await scene(echo)
    for (let i = 0; i < 5; i++) await ask(i)
    expect(new Set(asked.map(({ request }) => request.socket)).size).toBe(1)
  })
})

it('a connection that was left over and has ended is not laid to the datum that is sent on it', async () => {
  const { ask, asked, service, held } = await scene(echo)
  await ask('first')
  const [{ request }] = asked as [Asked]
  // What ends it is seen by the service at once, by us only when we have sent.
  service.answering = (one, response) => (one.request.socket === request.socket ? one.request.socket.destroy() : echo(one, response))
  expect(await ask('second')).toEqual(['second'])
  expect(asked.map(one => one.request.socket === request.socket)).toEqual([true, true, false])
  expect(held).toEqual([])
})

it('a service that goes down on a datum, and lets the next in meanwhile, does not have that blamed for it', async () => {
  let lettingIn = 1
  const { ask, asked, held } = await scene(({ request, body }, response) => {
    const isPoison = body.data.some(({ data }) => data === 'poison')
    if (isPoison || lettingIn-- > 0) request.socket.destroy()
    else echo({ request, body }, response)
  })
  const first = await failureOf(ask('poison'))
  expect(first.code).toBe('AGENT_CRASHED')
  expect(await ask('innocent')).toEqual(['innocent'])
  // Nor is it let off that breaks the connection every time.
  await failureOf(ask('poison'))
  const last = await failureOf(ask('poison'))
  expect(last.code).toBe('AGENT_CRASHED')
  expect(asked.map(({ body }) => body.data[0]?.data)).toEqual([
    'poison',
    'innocent',
    'innocent',
    'poison',
    ...['poison', 'poison'], // the service may still be going down by the one before
  ])
  expect(held).toEqual([])
})

describe('a service that cannot be had now: its data wait, and the reason is told', () => {
  const status =
    (code: number, headers: Record<string, string> = {}, text = ''): Answering =>
    (_, response) =>
      response.writeHead(code, headers).end(text)

  it.each<[string, Answering, RegExp]>([
    ['asks to come later', status(429, { 'retry-after': '1' }, 'slow down\nplease'), /answered with status 429, 'slow down'/],
    ['is overloaded', status(503), /answered with status 503\./],
    ['has a gateway that finds nobody', status(502), /answered with status 502\./],
    ['does not know who asks', status(401), /status 401\. Correct the header that authorizes it/],
    ['is not at that path', status(404), /status 404\. Correct the URL/],
    [
      'is elsewhere',
      status(307, { location: 'https://other.example/mood?key=secret' }),
      /redirects to https:\/\/other\.example\/mood \(status 307\), and redirects are not followed/,
    ],
  ])('%s', async (_, answering, why) => {
    const { ask, asked, held, service } = await scene(answering)
    const answer = ask('x')
    await expect.poll(() => held.at(-1)).toMatch(why)
    expect(held.join()).not.toContain('secret')
    service.answering = echo
    expect(await answer).toEqual(['x'])
    expect(held.at(-1)).toBeUndefined()
    expect(asked.length).toBeGreaterThan(1)
  })

  it('is asked again when it says, in seconds or by a date', async () => {
    for (const after of [() => '1', () => new Date(Date.now() + 2_000).toUTCString()]) {
      const { ask, asked, service } = await scene((_, response) => response.writeHead(503, { 'retry-after': after() }).end())
      const begunMs = performance.now()
      const answer = ask('x')
      await expect.poll(() => asked.length).toBe(1)
      service.answering = echo
      await answer
      expect(performance.now() - begunMs).toBeGreaterThan(900)
      expect(asked).toHaveLength(2)
    }
  })

  it('does not listen', async () => {
    const { ask, held } = open('http://127.0.0.1:1/', { private: true })
    void ask('x')
    await expect
      .poll(() => held.at(-1))
      .toMatch(/^The service of mood@1 \(http:\/\/127\.0\.0\.1:1\) cannot be reached: connect ECONNREFUSED/)
  })

  it('has a name that nobody knows', async () => {
    const { ask, held } = open('http://mood.invalid/', {})
    void ask('x')
    await expect
      .poll(() => held.at(-1), { timeout: 10_000 })
      .toMatch(/cannot be reached: .*mood\.invalid\. Correct the URL, or mend the name service/)
  })

  it('takes no connection', async () => {
    // Of TLS nothing comes back: the connection is not made before that is through.
    const silent = createTcpServer().listen(0, '127.0.0.1')
    await once(silent, 'listening')
    onTestFinished(() => void silent.close())
    const { port } = silent.address() as AddressInfo // of a server that listens on TCP
    const { ask, held } = open(`https://127.0.0.1:${port}`, { private: true }, { connectMs: 100 })
    void ask('x')
    await expect.poll(() => held.at(-1)).toMatch(/there was no connection in 100 ms/)
  })

  it('speaks no TLS where it should', async () => {
    const { port } = await scene(echo)
    const { ask, held } = open(`https://127.0.0.1:${port}`, { private: true })
    void ask('x')
    await expect.poll(() => held.at(-1)).toMatch(/cannot be reached: .*SSL/)
  })

  it.each([
    [
      'whose function fails',
      () => Promise.reject(new Error('the vault holds hunter2')),
      /the function that gives the header authorization failed/,
    ],
    ['whose variable is not set', () => undefined, /the header authorization has no value that can be sent/],
    ['that no header can have', () => 'hunter2\n', /the header authorization has no value that can be sent/],
  ])('has a header %s, of which nothing is shown', async (_, authorization, why) => {
    const { ask, held, asked } = await scene(echo, { headers: { authorization } })
    void ask('x')
    await expect.poll(() => held.at(-1)).toMatch(why)
    expect(held.join()).not.toContain('hunter2')
    expect(asked).toEqual([])
  })
})

describe('a datum that a service fails on is the one that fails; its neighbours are answered', () => {
  const fails =
    (failing: Answering): Answering =>
    (asked, response) =>
      asked.body.data.some(({ data }) => data === 'poison') ? failing(asked, response) : echo(asked, response)

  it.each<[string, Answering, string, RegExp]>([
    [
      'with a status of its own failure',
      (_, response) => response.writeHead(500).end('KeyError: mood'),
      'AGENT_CRASHED',
      /status 500, 'KeyError: mood'/,
    ],
    [
      'with the status of a datum that is wrong',
      (_, response) => response.writeHead(422).end(),
      'REMOTE_BROKEN',
      /status 422 where results are due/,
    ],
    [
      'with a status that says nothing',
      (_, response) => response.writeHead(204).end(),
      'REMOTE_BROKEN',
      /status 204 where results are due/,
    ],
    ['for it is too large', (_, response) => response.writeHead(413).end(), 'BODY_TOO_LARGE', /status 413/],
    [
      'by a connection that breaks off',
      ({ request }) => request.socket.destroy(),
      'AGENT_CRASHED',
      /broke the connection off before it had answered/,
    ],
    [
      'by half a reply',
      ({ request }, response) => response.writeHead(200, { 'content-length': 100 }).write('{', () => request.socket.destroy()),
      'AGENT_CRASHED',
      /broke the connection off/,
    ],
    ['by rubbish', (_, response) => response.end('<html>'), 'REMOTE_BROKEN', /'<html>', which is no JSON/],
    ['by no results', (_, response) => response.end('{}'), 'REMOTE_BROKEN', /its results are no list/],
    ['by a reply without end', (_, response) => response.write('x'.repeat(20_000)), 'REMOTE_BROKEN', /more than 10000 bytes/],
  ])('%s', async (_, failing, code, why) => {
    const { ask, held } = await scene(fails(failing), {}, { replyBytes: 10_000 })
    const poison = failureOf(ask('poison'))
    const neighbours = await Promise.all(Array.from({ length: 30 }, (_, n) => ask(n)))
    expect(neighbours).toEqual(Array.from({ length: 30 }, (_, n) => [n]))
    const error = await poison
    expect(error.message).toMatch(why)
    expect(error.code).toBe(code)
    expect(held).toEqual([])
  })

  it('through a gateway that does not know which of both it is', async () => {
    const { ask } = await scene(fails((_, response) => response.writeHead(502).end()))
    const poison = failureOf(ask('poison'))
    expect(await Promise.all(Array.from({ length: 30 }, (_, n) => ask(n)))).toHaveLength(30)
    expect(await poison).toMatchObject({ code: 'REMOTE_UNAVAILABLE', message: expect.stringContaining('status 502') })
  })
})

it('a service that is stopped while it has a request loses nothing of it', async () => {
  const { ask, asked, service, remote } = await scene(() => undefined)
  void ask('x')
  await expect.poll(() => asked.length).toBe(1)
  const closed = once(asked[0]!.request.socket, 'close')
  service.answering = echo
  await remote.stop(10_000)
  await closed
  await sleep(50)
  expect(asked).toHaveLength(1)
})

describe('an address that is not of the open internet', () => {
  it('is refused, also where a name leads there', async () => {
    const { port, asked } = await scene(echo)
    const { ask, held } = open(`http://localhost:${port}/`, {})
    void ask('x')
    await expect
      .poll(() => held.at(-1))
      .toMatch(/localhost is .*127\.0\.0\.1.*, no address of the open internet\. Where the service is meant to be there: private: true/)
    expect(asked).toEqual([])
  })

  it('is refused on the second look, too: what is connected to is what was looked at', async () => {
    const { port, asked } = await scene(echo)
    let looks = 0
    const rebound = openLookup(((_: string, __: unknown, done: (error: null, found: unknown) => void) => {
      done(null, [{ address: looks++ === 0 ? '192.0.2.1' : '127.0.0.1', family: 4 }])
    }) as never) // of all of lookup's shapes, the one that is called
    const { ask, held } = open(`http://mood.example:${port}/`, {}, { lookup: rebound })
    void ask('x')
    await expect.poll(() => looks).toBeGreaterThan(1)
    await expect.poll(() => held.at(-1)).toContain('mood.example is 127.0.0.1, no address of the open internet')
    expect(asked).toEqual([])
  })

  it('is used where it is allowed', async () => {
    const { ask, port } = await scene(echo)
    expect(await ask('x')).toEqual(['x'])
    expect(await open(`http://localhost:${port}/`, { private: true }).ask('y')).toEqual(['y'])
  })
})
