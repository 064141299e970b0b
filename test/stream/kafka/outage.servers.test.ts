import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { mint } from '../../../src/envelope/data-id.ts'
import { isMillraceError } from '../../../src/errors.ts'
import { openKafka } from '../../../src/stream/adapters/kafka/index.ts'
import type { GroupedStream } from '../../../src/stream/stream.ts'
import { batch, dataOf, further, readAll, spec } from '../../../src/testing/suite-data.ts'
import { startKafka } from '../../servers/kafka.ts'
import { startToxiproxy, type Proxy as Way } from '../../servers/toxiproxy.ts'
import { until } from '../../servers/until.ts'
import { leaseOf, PIPELINE, Streams } from './streams.ts'

const PARTITIONS = 3
const DEADLINE_MS = 60_000
/** Something is under way at any moment, and an outage is not spent on appending as fast as can be. */
const PAUSE_MS = 5
/** Longer than the test waits for anything. */
const UNANSWERED_MS = 600_000

/** Appends batch after batch until it is told to stop, and keeps what was acknowledged: id → where. */
class Appender {
  readonly acknowledged = new Map<string, number>()
  readonly #stream: GroupedStream
  readonly #partition: number
  #stopped = false
  readonly done: Promise<void>

  constructor(stream: GroupedStream, partition: number) {
    this.#stream = stream
    this.#partition = partition
    this.done = this.#run()
  }

  stop(): Promise<void> {
    this.#stopped = true
    return this.done
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const ids = Array.from({ length: 20 }, () => mint(Date.now()))
      const [appended] = await this.#stream.append([
        batch(
          'demand',
          this.#partition,
          ids.map(id => ({ text: id, id })),
        ),
      ])
      for (const [index, id] of ids.entries()) this.acknowledged.set(id, appended!.first + index)
      await sleep(PAUSE_MS)
    }
  }
}

describe('a broker that is killed under appends and comes back', () => {
  it.each([1, 3] as const)('has all that was acknowledged, each where it was said to be and once: one of %i', async nodes => {
    await using kafka = await startKafka({ nodes })
    await using streams = new Streams(kafka.address)
    const stream = await streams.open()
    await stream.ensure([spec('demand', PARTITIONS)])
    const { lease, close } = await leaseOf(stream, { name: 'reader@1', edition: 1 }, ['demand'], PARTITIONS)
    const [place] = lease.partitions
    await lease.commit([{ ...place!, from: 0, checkpoint: further(place!.checkpoint, 0) }])
    const appenders = Array.from({ length: PARTITIONS }, (_, partition) => new Appender(stream, partition))
    const all = () => appenders.reduce((sum, { acknowledged }) => sum + acknowledged.size, 0)
    // The second outage of one broker meets a producer that has outlasted the first.
    const outages = Math.max(2, nodes)
    for (let outage = 0; outage < outages; outage++) {
      const before = all()
      await until('appends are acknowledged', DEADLINE_MS, () => expect(all()).toBeGreaterThan(before + 200))
      // The only one there is, or one of three after another: whatever led a partition or coordinated the group moves.
      const node = kafka.nodes[outage % kafka.nodes.length]!
      await node.kill()
      await node.restart()
    }
    const before = all()
    await until('appends are acknowledged again', DEADLINE_MS, () => expect(all()).toBeGreaterThan(before + 200))
    await Promise.all(appenders.map(appender => appender.stop()))
    await close()
    const again = await leaseOf(stream, { name: 'reader@1', edition: 1 }, ['demand'], PARTITIONS)
    for (const [partition, { acknowledged }] of appenders.entries()) {
      const found = new Map<string, number[]>()
      const { next } = (await stream.bounds('demand'))[partition]!
      for (let at = 0; at < next; ) {
        const read = await again.lease.fetch({ topic: 'demand', partition }, at, 200_000)
        for (const { id, offset } of dataOf(read!, at)) found.set(id, [...(found.get(id) ?? []), offset])
        at = read!.first + read!.count
      }
      expect(acknowledged.size).toBeGreaterThan(200)
      const elsewhere = [...acknowledged].flatMap(([id, offset]) =>
        found.get(id)?.join() === String(offset) ? [] : [`${id} at ${offset}: ${found.get(id)}`],
      )
      expect(elsewhere, `partition ${partition} up to ${next}`).toEqual([])
    }
    await again.close()
  })

  it('and stays away leaves an append unknown when its time is up, and a lease ends by itself', async () => {
    await using kafka = await startKafka()
    await using streams = new Streams(kafka.address)
    const stream = await streams.open({ sendTimeoutMs: 1_000 })
    await stream.ensure([spec('demand')])
    const { lease, close } = await leaseOf(stream, { name: 'reader@1', edition: 1 }, ['demand'], 1)
    const fetching = lease.fetch({ topic: 'demand', partition: 0 }, 0, 1e6)
    await kafka.kill()
    const refusal = await stream.append([batch('demand', 0, ['x'])]).catch((error: unknown) => error)
    expect(isMillraceError(refusal, 'APPEND_UNKNOWN'), String(refusal)).toBe(true)
    expect(await fetching).toBeUndefined()
    expect(lease.signal.aborted).toBe(true)
    const [place] = lease.partitions
    const commit = await lease.commit([{ ...place!, from: 0, checkpoint: further(place!.checkpoint, 0) }]).catch((error: unknown) => error)
    expect(isMillraceError(commit, 'LEASE_LOST')).toBe(true)
    await close()
  })
})

describe('an append whose answer is lost', () => {
  it('is sent again and in the log once: the broker recognises it', async () => {
    await using toxiproxy = await startToxiproxy()
    let proxy: Way | undefined
    const through = async (address: string) => {
      proxy = await toxiproxy.proxy(address)
      return proxy.address
    }
    await using kafka = await startKafka({ listener: { through } })
    await using streams = new Streams(kafka.clientAddress)
    const stream = await streams.open()
    await stream.ensure([spec('demand')])
    await stream.append([batch('demand', 0, ['before'])])
    const direct = await openKafka({ brokers: [kafka.address], pipeline: PIPELINE, prefix: streams.prefix })
    await proxy!.latency(UNANSWERED_MS)
    const appending = stream.append([batch('demand', 0, ['once', 'once too'])])
    await until('the broker has it', DEADLINE_MS, async () => expect((await direct.bounds('demand'))[0]?.next).toBe(3))
    await proxy!.cut()
    await proxy!.latency(0)
    await proxy!.mend()
    expect(await appending).toMatchObject([{ first: 1, count: 2 }])
    expect(await stream.append([batch('demand', 0, ['after'])])).toMatchObject([{ first: 3 }])
    expect(await readAll(direct, 'demand', 0)).toEqual(['before', 'once', 'once too', 'after'])
    await direct.close()
  })
})
