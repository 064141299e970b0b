import { randomUUID } from 'node:crypto'
import { connect, createServer, type Socket } from 'node:net'
import { createClient } from 'redis'
import { parseId } from '../../../src/envelope/data-id.ts'
import type { RecordBatch } from '../../../src/stream/stream.ts'
import { batch, dataOf, type Sample, texts } from '../../../src/testing/suite-data.ts'
import { openRedis } from '../../../src/trace/adapters/redis/index.ts'
import type { RedisOptions } from '../../../src/trace/adapters/redis/options.ts'
import type { MarkBatch, SharedTrace } from '../../../src/trace/trace.ts'

export const FORECAST = { name: 'forecast', version: 2 }
export const AT_MS = 1_800_000_000_000

export interface Scene extends AsyncDisposable {
  readonly trace: SharedTrace
  readonly prefix: string
}

/** A trace with keys of its own, closed at the end of the test. */
export async function scene(port: number, options: Partial<RedisOptions> = {}): Promise<Scene> {
  const prefix = options.prefix ?? `${randomUUID()}:`
  const trace = await openRedis({ servers: [{ host: '127.0.0.1', port }], prefix, ...options })
  return { trace, prefix, [Symbol.asyncDispose]: () => trace.close() }
}

/** Somebody else with a client of Redis, and no part of ours. */
export async function foreigner(port: number) {
  const client = createClient({ RESP: 2, socket: { host: '127.0.0.1', port } })
  client.on('error', () => undefined)
  await client.connect()
  return Object.assign(client, { [Symbol.asyncDispose]: async () => client.destroy() })
}

export function placed(data: number | readonly (string | Sample)[], first = 0, topic = 'demand'): RecordBatch {
  const appended = batch(topic, 0, typeof data === 'number' ? texts('d', data) : data)
  return { ...appended, first, appendedMs: AT_MS }
}

export function idOf(of: RecordBatch, index = 0): string {
  return dataOf(of)[index]!.id
}

export async function claim(trace: SharedTrace, of: RecordBatch): Promise<number[]> {
  return [...(await trace.claim(FORECAST, of, of.first, AT_MS))]
}

/** Everything of a batch done, but for what is dead, by index. */
export function marks(of: RecordBatch, more: Partial<MarkBatch> = {}): MarkBatch {
  const dead = new Set((more.dead ?? []).map(({ offset }) => offset))
  const all = dataOf(of)
  const done = all.filter(({ offset }) => !dead.has(offset))
  return {
    topic: of.topic,
    partition: of.partition,
    done: done.map(({ offset }) => ({ first: offset, end: offset + 1 })),
    dead: [],
    claimedMs: AT_MS,
    finishedMs: AT_MS + 5,
    attempts: [],
    ids: Buffer.concat([...done, ...all.filter(({ offset }) => dead.has(offset))].map(({ id }) => parseId(id))),
    ...more,
  }
}

export interface Way extends AsyncDisposable {
  readonly port: number
  /** The connections of now stay open and carry nothing any more, either way, for ever; new ones do. */
  freeze(): void
  /** New ones too. */
  freezeAll(): void
}

/** A way to a server by which connections die without a word, as where a machine or a router between is gone. */
export async function wayTo(server: number): Promise<Way> {
  const pairs: { readonly near: Socket; readonly far: Socket; frozen: boolean }[] = []
  let allFrozen = false
  const listener = createServer(near => {
    const pair = { near, far: connect(server, '127.0.0.1'), frozen: allFrozen }
    pairs.push(pair)
    near.on('data', data => pair.frozen || pair.far.write(data))
    pair.far.on('data', data => pair.frozen || near.write(data))
    for (const end of [near, pair.far]) end.on('error', () => end.destroy())
  })
  await new Promise<void>(resolve => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  const freeze = () => {
    for (const pair of pairs) pair.frozen = true
  }
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    freeze,
    freezeAll() {
      allFrozen = true
      freeze()
    },
    async [Symbol.asyncDispose]() {
      for (const { near, far } of pairs) for (const end of [near, far]) end.destroy()
      await new Promise(resolve => listener.close(resolve))
    },
  }
}
