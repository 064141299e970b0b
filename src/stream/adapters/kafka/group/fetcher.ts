import { MillraceError } from '../../../../errors.ts'
import type { RecordBatch, TopicPartition } from '../../../stream.ts'
import { away, type Cluster, type Pool } from '../cluster.ts'
import { isTransient } from '../failure.ts'
import { logOffsets } from '../log-offsets.ts'
import { type FetchedLog, LogReader } from '../log-reader.ts'
import type { Packing } from '../wire/compression.ts'
import type { FetchCall, FetchedPartition } from '../wire/fetch-call.ts'

/** A partition of the lease. */
export interface FetchedPlace extends TopicPartition {
  readonly kafkaTopic: string
  readonly topicId: string
}

interface Waiter {
  readonly from: number
  readonly maxBytes: number
  readonly resolve: (batch: RecordBatch | undefined) => void
  readonly reject: (error: unknown) => void
  /** It was asked for once, and there was nothing: only waiting helps. */
  tried: boolean
}

/** One partition: what was fetched and not asked for yet, and who waits. */
interface Part {
  readonly place: FetchedPlace
  readonly reader: LogReader
  log: FetchedLog | undefined
  waiter: Waiter | undefined
  /** A fetch that asks for it is under way. */
  asked: boolean
}

/** How long a broker holds a fetch that finds nothing: while all of the lease's partitions wait, nobody else comes. */
const WAIT_ALL_MS = 250
/** While some are being worked on they may come to wait at any moment. */
const WAIT_SOME_MS = 10
const RETRY_MS = 100
const MAX_FETCH_BYTES = 16 * 1024 * 1024

/**
 * Fetches for one lease, on demand: a partition that nobody asks for is not fetched, which is backpressure for it alone. Of each broker one
 * fetch waits for data, for all partitions that wait; and beside it one that does not wait, on a connection of its own, looks for those
 * that have come to wait since, so that a partition with much to give is not held up by its quiet neighbours.
 */
export class Fetcher {
  readonly #cluster: Cluster
  readonly #fetch: FetchCall
  readonly #parts = new Map<string, Part>()
  readonly #signal: AbortSignal
  readonly #waiting: Pool
  readonly #looking: Pool
  /** Which of a broker's two connections are busy. */
  readonly #busy = new Set<string>()
  #paused = false

  constructor(
    cluster: Cluster,
    packing: Packing,
    fetch: FetchCall,
    places: readonly FetchedPlace[],
    pools: { waiting: Pool; looking: Pool },
    signal: AbortSignal,
  ) {
    this.#cluster = cluster
    this.#fetch = fetch
    this.#signal = signal
    this.#waiting = pools.waiting
    this.#looking = pools.looking
    for (const place of places) {
      const reader = new LogReader(cluster.kafka, packing, place.topic, place.kafkaTopic, place.partition)
      this.#parts.set(nameOf(place), { place, reader, log: undefined, waiter: undefined, asked: false })
    }
    signal.addEventListener('abort', () => this.#end(), { once: true })
  }

  /** @throws TypeError where the lease has no such partition, or somebody waits for it already. */
  fetch(place: TopicPartition, from: number, maxBytes: number): Promise<RecordBatch | undefined> {
    if (this.#signal.aborted) return Promise.resolve(undefined)
    const part = this.#parts.get(nameOf(place))
    if (part === undefined) return Promise.reject(new TypeError(`The lease has no ${nameOf(place)}.`))
    if (part.waiter !== undefined) return Promise.reject(new TypeError(`A fetch of ${nameOf(place)} is waiting already.`))
    const { promise, resolve, reject } = Promise.withResolvers<RecordBatch | undefined>()
    part.waiter = { from, maxBytes, resolve, reject, tried: false }
    if (part.log?.next !== from) part.log = undefined
    this.#serve(part)
    this.#pump()
    return promise
  }

  #end(): void {
    for (const part of this.#parts.values()) {
      part.log = undefined
      this.#answer(part, undefined)
    }
  }

  #answer(part: Part, batch: RecordBatch | undefined): void {
    const { waiter } = part
    part.waiter = undefined
    waiter?.resolve(batch)
  }

  #refuse(part: Part, error: unknown): void {
    const { waiter } = part
    part.waiter = undefined
    waiter?.reject(error)
  }

  /** Answers who waits from what was fetched, if there is any. */
  #serve(part: Part): void {
    const { waiter, log } = part
    if (waiter === undefined || log === undefined) return
    try {
      const batch = log.take(waiter.maxBytes)
      if (!log.more) part.log = undefined
      if (batch.count > 0) this.#answer(part, batch)
    } catch (error) {
      part.log = undefined
      this.#refuse(part, error)
    }
  }

  /** Sends the fetches that are called for. */
  #pump(): void {
    if (this.#signal.aborted || this.#paused) return
    const byLeader = Map.groupBy(
      this.#parts.values(),
      ({ place }) => this.#cluster.known(place.kafkaTopic)?.partitions[place.partition]?.leader ?? -1,
    )
    for (const [leader, parts] of byLeader) {
      const wanted = parts.filter(part => part.waiter !== undefined && !part.asked)
      if (wanted.length === 0) continue
      if (leader < 0) void this.#pause(away('a partition has no leader'), wanted)
      else if (!this.#busy.has(`waiting ${leader}`))
        this.#send(leader, wanted, 'waiting', wanted.length === parts.length ? WAIT_ALL_MS : WAIT_SOME_MS)
      else if (!this.#busy.has(`looking ${leader}`)) {
        const fresh = wanted.filter(part => part.waiter?.tried === false)
        if (fresh.length > 0) this.#send(leader, fresh, 'looking', 0)
      }
    }
  }

  #send(leader: number, parts: readonly Part[], lane: 'waiting' | 'looking', waitMs: number): void {
    const name = `${lane} ${leader}`
    this.#busy.add(name)
    for (const part of parts) part.asked = true
    this.#ask(leader, parts, lane === 'waiting' ? this.#waiting : this.#looking, waitMs)
      .catch(error => this.#pause(error, parts))
      .finally(() => {
        this.#busy.delete(name)
        for (const part of parts) part.asked = false
        this.#pump()
      })
  }

  async #ask(leader: number, parts: readonly Part[], pool: Pool, waitMs: number): Promise<void> {
    const connection = await this.#cluster.connect(leader, pool)
    const asked = parts.flatMap(({ place, waiter }) =>
      waiter === undefined
        ? []
        : [{ topicId: place.topicId, partition: place.partition, from: waiter.from, maxBytes: Math.max(1, waiter.maxBytes) }],
    )
    if (asked.length === 0) return
    const { errorCode, partitions } = await this.#fetch(connection, asked, waitMs, MAX_FETCH_BYTES)
    if (this.#signal.aborted) return
    const problem = this.#cluster.errorId(errorCode)
    if (problem !== undefined) throw away(`a fetch: ${problem}`)
    for (const part of parts) {
      const { place } = part
      const from = asked.find(one => one.topicId === place.topicId && one.partition === place.partition)?.from
      const fetched = partitions.find(one => one.topicId === place.topicId && one.partition === place.partition)
      if (from !== undefined && fetched !== undefined && part.waiter?.from === from) await this.#take(part, fetched, from)
    }
  }

  async #take(part: Part, fetched: FetchedPartition, from: number): Promise<void> {
    const { kafkaTopic, topic, partition, topicId } = part.place
    const problem = this.#cluster.errorId(fetched.errorCode)
    if (problem === undefined) {
      part.log = part.reader.open(fetched, from)
      this.#serve(part)
      // Asked again it would be told the same at once: it waits with the others.
      if (part.waiter !== undefined) part.waiter.tried = true
    } else if (problem === 'OFFSET_OUT_OF_RANGE') await this.#takeBounds(part, from)
    else if (problem === 'TOPIC_AUTHORIZATION_FAILED') {
      this.#refuse(part, this.#cluster.denied(`read the topic ${kafkaTopic}`, `Read on the topic ${kafkaTopic}`))
    } else {
      await this.#cluster.refresh([kafkaTopic])
      const now = this.#cluster.known(kafkaTopic)
      if (now !== undefined && now.id === topicId) throw away(`fetching ${kafkaTopic}/${partition}: ${problem}`)
      this.#refuse(
        part,
        now === undefined
          ? new MillraceError('TOPIC_UNKNOWN', `The topic ${topic} (${kafkaTopic} in Kafka) has been deleted.`)
          : new MillraceError(
              'TOPIC_MISMATCH',
              `The topic ${topic} (${kafkaTopic} in Kafka) was deleted and made anew while it was read.`,
              {
                fix: 'Start again: groups then begin in the new topic.',
              },
            ),
      )
    }
  }

  /** Retention has passed the offset, or the log ends before it. */
  async #takeBounds(part: Part, from: number): Promise<void> {
    const { topic, partition } = part.place
    const [first] = await logOffsets(this.#cluster, [part.place], 'first')
    if (from < first!) {
      this.#answer(part, part.reader.empty(first!))
      return
    }
    const [next] = await logOffsets(this.#cluster, [part.place], 'next')
    if (from <= next!) throw away(`the bounds of ${topic}/${partition} move`)
    this.#refuse(
      part,
      new MillraceError(
        'LOG_CORRUPT',
        `${topic}/${partition} ends at offset ${next}, and the group stands at ${from}: what lay between is lost.`,
        {
          fix: 'A leader was elected that had not everything (unclean.leader.election.enable). Move the group with kafka-consumer-groups --reset-offsets --to-latest.',
        },
      ),
    )
  }

  /** What failed for a while is tried again; what failed for good is told to everyone who waits for it. */
  async #pause(error: unknown, parts: readonly Part[]): Promise<void> {
    if (this.#signal.aborted) return
    if (!isTransient(error)) {
      for (const part of parts) {
        const { kafkaTopic } = part.place
        this.#refuse(part, this.#cluster.failure(error, { what: `fetch from ${kafkaTopic}`, right: `Read on the topic ${kafkaTopic}` }))
      }
      return
    }
    if (this.#paused) return
    this.#paused = true
    await this.#cluster.settings.clock.sleep(RETRY_MS)
    // It fails as the fetch did while the brokers are away, and is tried again with it.
    await this.#cluster.refresh([...new Set(parts.map(({ place }) => place.kafkaTopic))]).catch(() => undefined)
    this.#paused = false
    this.#pump()
  }
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
