import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, it, onTestFinished } from 'vitest'
import type { InputRecord } from '../../../src/cli/send/lines.ts'
import { Sender, type SenderOptions } from '../../../src/cli/send/sender.ts'
import { Tally } from '../../../src/cli/send/tally.ts'
import type { Clock } from '../../../src/clock.ts'

interface Envelope {
  readonly data_id: string
  readonly data: string
}
type Reply = (batch: readonly Envelope[], response: ServerResponse, request: IncomingMessage) => void

/** A front end that answers each request by the next reply, the last one for all that follow. Ids it has stored are duplicates. */
async function frontEnd(...replies: Reply[]) {
  const batches: Envelope[][] = []
  const stored = new Set<string>()
  const server = createServer(async (request, response) => {
    const body = Buffer.concat(await Array.fromAsync(request))
    const batch = body
      .toString()
      .split('\n')
      .map(line => JSON.parse(line) as Envelope)
    batches.push(batch)
    const reply = replies.length > 1 ? replies.shift()! : (replies[0] ?? store)
    reply(batch, response, request)
  })
  function store(batch: readonly Envelope[], response: ServerResponse): void {
    const fresh = batch.filter(({ data_id }) => !stored.has(data_id))
    for (const { data_id } of fresh) stored.add(data_id)
    answer(response, 200, { accepted: fresh.length, duplicate: batch.length - fresh.length, rejected: 0, retry: 0, receipts: [] })
  }
  await new Promise<void>(listening => server.listen(0, '127.0.0.1', listening))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, batches, stored, store }
}

function answer(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body))
}

/** Time that passes by being slept. */
function sleepingClock(): Clock & { slept: number[] } {
  let now = 1_000
  const slept: number[] = []
  return {
    slept,
    now: () => now,
    after: () => () => undefined,
    async sleep(ms) {
      slept.push(ms)
      now += ms
    },
  }
}

function lines(...texts: string[]): InputRecord[] {
  return texts.map((text, at) => ({ line: at + 1, data: Buffer.from(text) }))
}

function sender(url: string, options: Partial<SenderOptions> = {}) {
  const clock = sleepingClock()
  const tally = new Tally(() => undefined)
  const made = new Sender(
    {
      to: { url, topic: 'demand' },
      name: '/data/demand.ndjson',
      rate: Number.POSITIVE_INFINITY,
      giveUpMs: 60_000,
      clock,
      signal: new AbortController().signal,
      onWait: () => undefined,
      ...options,
    },
    tally,
  )
  return { send: (records: readonly InputRecord[]) => made.send(records), tally, clock }
}

const sent = (batch: readonly Envelope[]) => batch.map(({ data }) => Buffer.from(data, 'base64').toString())

it('sends again, after Retry-After, exactly the data whose receipts say retry', async () => {
  const server = await frontEnd(
    (_batch, response) =>
      answer(
        response,
        503,
        {
          code: 'OVERLOADED',
          accepted: 1,
          duplicate: 0,
          rejected: 1,
          retry: 1,
          receipts: [
            {
              line: 2,
              status: 'rejected',
              code: 'DATUM_INVALID',
              detail: 'no',
              issues: [{ path: 'megawatts', message: 'Expected number' }],
            },
            { line: 3, status: 'retry' },
          ],
        },
        { 'retry-after': '7' },
      ),
    (batch, response) => server.store(batch, response),
  )
  const { send, tally, clock } = sender(server.url)
  await send(lines('1', '"x"', '3'))
  expect(server.batches.map(sent)).toEqual([['1', '"x"', '3'], ['3']])
  expect(server.batches[1]![0]!.data_id).toBe(server.batches[0]![2]!.data_id)
  expect(clock.slept).toEqual([7_000])
  expect(tally).toMatchObject({
    accepted: 2,
    rejected: 1,
    rejections: [{ line: 2, issues: [{ path: 'megawatts', message: 'Expected number' }] }],
  })
})

it('sends a batch again when its answer was lost, and what was stored the first time is a duplicate', async () => {
  const server = await frontEnd(
    (batch, response, request) => {
      for (const { data_id } of batch) server.stored.add(data_id)
      request.socket.destroy()
      response.destroy()
    },
    (batch, response) => server.store(batch, response),
  )
  const { send, tally } = sender(server.url)
  await send(lines('1', '2'))
  expect(tally).toMatchObject({ accepted: 0, duplicate: 2, rejected: 0 })
  expect(server.stored.size).toBe(2)
})

it('gives a line the same id in every run, and another one for another line, content, topic or file', async () => {
  const server = await frontEnd()
  const ids = async (records: readonly InputRecord[], options: Partial<SenderOptions> = {}) => {
    await sender(server.url, options).send(records)
    return server.batches.at(-1)!.map(({ data_id }) => data_id)
  }
  const first = await ids(lines('{"a":1}', '{"a":1}'))
  expect(first[0]).not.toBe(first[1])
  expect(await ids(lines('{"a":1}', '{"a":1}'))).toEqual(first)
  // A line that was mended is new; its neighbours are known.
  expect((await ids(lines('{"a":2}', '{"a":1}')))[1]).toBe(first[1])
  expect((await ids(lines('{"a":2}')))[0]).not.toBe(first[0])
  expect((await ids(lines('{"a":1}'), { to: { url: server.url, topic: 'other' } }))[0]).not.toBe(first[0])
  expect((await ids(lines('{"a":1}'), { name: '/data/other.ndjson' }))[0]).not.toBe(first[0])
  expect((await ids(lines('{"a":1}'), { name: undefined }))[0]).not.toBe(first[0])
})

it('divides a batch that is too large, and rejects only the datum that is too large by itself', async () => {
  const server = await frontEnd((batch, response) =>
    batch.some(({ data }) => data.length > 20) ? answer(response, 413, { code: 'BODY_TOO_LARGE' }) : server.store(batch, response),
  )
  const { send, tally } = sender(server.url)
  await send(lines('1', '2', `"${'x'.repeat(30)}"`, '4', '5'))
  expect(tally).toMatchObject({
    accepted: 4,
    rejected: 1,
    rejections: [{ line: 3, issues: [{ path: '', message: 'too large: 32 bytes' }] }],
  })
})

it('keeps to its rate, in small batches', async () => {
  const server = await frontEnd()
  const { send, clock } = sender(server.url, { rate: 50 })
  await send(lines(...Array.from({ length: 100 }, (_, i) => String(i))))
  expect(server.batches.length).toBe(20)
  expect(clock.now()).toBeCloseTo(1_000 + (95 / 50) * 1_000)
})

it('gives up when nothing is accepted for so long, and says how to go on', async () => {
  const server = await frontEnd((_batch, response) =>
    answer(response, 503, { code: 'OVERLOADED', title: 'The engine is behind', detail: 'The engine is behind.' }),
  )
  const { send } = sender(server.url, { giveUpMs: 5_000 })
  await expect(send(lines('1'))).rejects.toMatchObject({
    code: 'SERVER_UNREACHABLE',
    message: expect.stringMatching(/Nothing was accepted for 5 s\. The engine is behind\. .*Run the same command again/),
  })
})

it('ends at once on what no other attempt would change', async () => {
  const server = await frontEnd((_batch, response) =>
    answer(response, 401, { code: 'KEY_MISSING', title: 'No API key', detail: 'The request has no key.' }),
  )
  const { send } = sender(server.url)
  await expect(send(lines('1', '2'))).rejects.toMatchObject({
    code: 'KEY_MISSING',
    message: 'The request has no key. Give millrace send the key in MILLRACE_KEY, or with --key.',
  })
  expect(server.batches.length).toBe(1)
})

it('does not take another kind of server for a front end', async () => {
  const server = await frontEnd((_batch, response) => response.writeHead(404).end('<html>nginx</html>'))
  await expect(sender(server.url).send(lines('1'))).rejects.toMatchObject({
    code: 'SERVER_UNREACHABLE',
    message: expect.stringContaining('not as Millrace does'),
  })
})
