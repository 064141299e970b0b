import { isMillraceError, MillraceError } from '../../errors.ts'
import type { AppendBatch, Appended, Lease, Moved, Subscription } from '../../stream/stream.ts'
import { Backlog, type BacklogPlace } from './backlog.ts'
import { piecesOf } from './pieces.ts'
import type { SpillEngine, SpillTopic } from './spill.ts'

/** Whose checkpoints say how far the log has been drained. */
const GROUP = { name: 'spill@1', edition: 1 } as const
/** What waits must outlive any outage: it leaves the log by being drained, never by its age. A century, as a whole number of milliseconds. */
const RETENTION_MS = 100 * 365 * 86_400_000

/** What is next in one partition of the log, as the stream is to have it. */
export interface Taken {
  readonly place: BacklogPlace
  readonly batches: readonly AppendBatch[]
  /** The offset after them. */
  readonly end: number
}

/** How much to take at once. */
export interface TakeLimit {
  /** In all, about. */
  readonly bytes: number
  readonly places: number
  /** In one batch, unless a single datum is larger. */
  readonly batchBytes: number
  /** One batch of each partition. */
  readonly oneBatch: boolean
}

/** A partition that cannot be read on. */
export interface Damaged {
  readonly place: BacklogPlace
  readonly error: MillraceError
}

/**
 * The log that data wait in, and how far the stream has it. A topic is kept under its name and partition count: one that was declared
 * anew with more partitions is another topic here, and what waits from before still goes where it was meant to go.
 */
export class SpillLog {
  readonly backlog = new Backlog()
  readonly #engine: SpillEngine
  readonly #logTopics = new Map<string, string>()
  #subscription: Subscription | undefined
  #leases: AsyncIterator<Lease> | undefined
  #lease: Lease | undefined
  #granting: Promise<Lease> | undefined
  #broken = false

  private constructor(engine: SpillEngine) {
    this.#engine = engine
  }

  /** Reads from an open engine what waits in it. @throws what the engine throws; it is closed then. */
  static async open(engine: SpillEngine, topics: readonly SpillTopic[]): Promise<SpillLog> {
    const log = new SpillLog(engine)
    try {
      await log.ensure(topics)
      return log
    } catch (error) {
      await engine.close()
      throw error
    }
  }

  /** It answers that it can no longer write: only one opened anew can. */
  get isBroken(): boolean {
    return this.#broken
  }

  async ensure(topics: readonly SpillTopic[]): Promise<void> {
    await this.#engine.ensure(topics.map(topic => ({ name: logTopic(topic), partitions: topic.partitions, retentionMs: RETENTION_MS })))
    const names = (await this.#engine.topics()).map(topic => topic.name).filter(name => name.includes(SEPARATOR))
    if (this.#subscription === undefined || names.some(name => !this.backlog.knows(name))) {
      await this.#subscription?.close()
      this.#subscription = this.#engine.subscribe(GROUP, names, 'earliest')
      this.#leases = this.#subscription[Symbol.asyncIterator]()
      this.#lease = undefined
      await this.#leaseNow()
    }
    // The last count that was declared is the one that is appended by.
    for (const topic of topics) this.#logTopics.set(topic.name, logTopic(topic))
  }

  /** As {@link SpillEngine.append}, by the stream's topics. @throws what the stream throws for a partition that it takes nothing for. */
  async append(batches: readonly AppendBatch[], nowMs: number): Promise<Appended[]> {
    const renamed = batches.map(batch => ({ ...batch, topic: this.#logTopicOf(batch.topic) }))
    for (const place of renamed) {
      const error = this.backlog.closedBy(place, nowMs)
      if (error !== undefined) throw error
    }
    try {
      const appended = await this.#engine.append(renamed)
      for (const [index, { first, count }] of appended.entries()) if (count > 0) this.backlog.grown(renamed[index]!, first + count)
      return appended
    } catch (error) {
      if (isMillraceError(error, 'ENGINE_FAILED')) this.#broken = true
      throw error
    }
  }

  /** What is next in some partitions. Empty where nothing waits that may be tried now. */
  async take(limit: TakeLimit, nowMs: number): Promise<{ taken: Taken[]; damaged: Damaged[] }> {
    const places = this.backlog.next(limit.places, nowMs)
    const bytes = Math.ceil(limit.bytes / Math.max(1, places.length))
    const taken: Taken[] = []
    const damaged: Damaged[] = []
    for (const place of places) {
      try {
        taken.push(await this.takeOf(place, { ...limit, bytes }))
      } catch (error) {
        if (!isMillraceError(error, 'LOG_CORRUPT')) throw error
        damaged.push({ place, error })
      }
    }
    return { taken, damaged }
  }

  /** What is next in one partition. @throws LOG_CORRUPT */
  async takeOf(place: BacklogPlace, { bytes, batchBytes, oneBatch }: Omit<TakeLimit, 'places'>): Promise<Taken> {
    const { topic, partition } = place
    const batches: AppendBatch[] = []
    let end = place.drained
    for (let got = 0; got < bytes; ) {
      // As much as one batch, so that whole record batches of the log need not be taken apart.
      const read = await this.#engine.read(place.logTopic, partition, end, Math.min(bytes, batchBytes))
      const pieces = piecesOf(read, end, batchBytes)
      if (pieces.length === 0) break
      for (const { frames, count } of oneBatch ? pieces.slice(0, 1) : pieces) {
        batches.push({ topic, partition, frames, count, ascii: read.ascii })
        got += frames.length
        end += count
      }
      if (oneBatch) break
    }
    return { place, batches, end }
  }

  /**
   * The stream has these, or they are set aside. Noted in the log where that is possible: where it is not (the disk is full, the assignment is being renewed) it
   * is noted with the next, and a crash before that sends these again, as copies.
   */
  async drained(taken: readonly Taken[]): Promise<void> {
    for (const { place, end } of taken) this.backlog.drained(place, end)
    const uncommitted = this.backlog.uncommitted()
    const moves: Moved[] = uncommitted.map(({ logTopic: topic, partition, checkpoint, drained }) => ({
      topic,
      partition,
      from: checkpoint.offset,
      checkpoint: { ...checkpoint, offset: drained, done: checkpoint.done + drained - checkpoint.offset },
    }))
    try {
      const lease = await this.#leaseNow()
      await lease.commit(moves)
      for (const [index, place] of uncommitted.entries()) place.checkpoint = moves[index]!.checkpoint
    } catch (error) {
      if (!isMillraceError(error) || !error.retryable) throw error
      if (error.code === 'ENGINE_FAILED') this.#broken = true
      // Where it is not known whether it has moved, the lease has ended, and the next one says where the group stands.
    }
  }

  /** Everything in it is on disk when this resolves. */
  async close(): Promise<void> {
    await this.#engine.close()
  }

  /** The assignment as it is now. Waited for once, by whoever asks: a second reader of the subscription would get no lease at all. */
  async #leaseNow(): Promise<Lease> {
    if (this.#lease !== undefined && !this.#lease.signal.aborted) return this.#lease
    this.#granting ??= this.#nextLease().finally(() => {
      this.#granting = undefined
    })
    return this.#granting
  }

  async #nextLease(): Promise<Lease> {
    const next = await this.#leases?.next()
    if (next === undefined || next.done === true) throw new MillraceError('ENGINE_CLOSED', 'The spill’s log was closed.')
    const lease = next.value
    for (const assigned of lease.partitions) {
      const bounds = await this.#engine.bounds(assigned.topic)
      // An assigned partition is one of its topic's.
      this.backlog.assign(assigned, streamTopic(assigned.topic), bounds[assigned.partition]!.next)
    }
    this.#lease = lease
    return lease
  }

  #logTopicOf(topic: string): string {
    const name = this.#logTopics.get(topic)
    if (name !== undefined) return name
    throw new MillraceError('TOPIC_UNKNOWN', `The stream is away, and the spill has no topic '${topic}'.`, {
      fix: `Its topics are: ${[...this.#logTopics.keys()].join(', ')}.`,
    })
  }
}

/** No topic's name has it. */
const SEPARATOR = '/'

function logTopic({ name, partitions }: SpillTopic): string {
  return `${name}${SEPARATOR}${partitions}`
}

function streamTopic(name: string): string {
  return name.slice(0, name.lastIndexOf(SEPARATOR))
}
