import { MillraceError } from '../../../errors.ts'
import type { AppendBatch, Appended } from '../../stream.ts'
import type { Cluster, TopicMetadata } from './cluster.ts'
import { closedError } from './cluster.ts'
import { DatumEncoder } from './datum/encode.ts'
import type { Delivery } from './delivery.ts'
import { isTransient } from './failure.ts'
import type { Names } from './names.ts'
import { PartitionQueue } from './partition-queue.ts'
import { settle } from './produced.ts'
import { answered } from './wire/answered.ts'
import { BatchWriter, type ProducerIdentity } from './wire/batch-writer.ts'
import { Packing } from './wire/compression.ts'
import { type ProduceCall, produceCall } from './wire/produce-call.ts'

/** What may be under way at once, in bytes of frames. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024
/** What one request holds at most, unless a single batch is larger. */
const MAX_REQUEST_BYTES = 4 * 1024 * 1024
/** How long a broker waits for the replicas before it answers that it does not know. */
const BROKER_TIMEOUT_MS = 10_000
const RETRY_MS = 100
/** How long close() waits for brokers that do not answer. */
const FLUSH_MS = 5_000

/**
 * Appends, idempotent and acknowledged by every replica in sync. Of one partition one request is under way at a time, so order holds through
 * every retry; what comes meanwhile shares the next one. A request that fails is sent again as it is, under the same sequence number, until
 * its time is up: the broker recognises what it has.
 */
export class Producer {
  readonly #cluster: Cluster
  readonly #names: Names
  readonly #packing: Packing
  readonly #encoder: DatumEncoder
  readonly #writer = new BatchWriter()
  readonly #produce: ProduceCall
  readonly #queues = new Map<string, PartitionQueue>()
  /** Partitions with something to send and nothing under way. */
  readonly #ready = new Set<PartitionQueue>()
  #waitingBytes = 0
  #scheduled = false
  #closed = false
  #entering: Promise<void> | undefined
  #identity: Promise<ProducerIdentity> | undefined
  #idle: (() => void) | undefined

  constructor(cluster: Cluster, names: Names, produce = produceCall(cluster.kafka)) {
    this.#cluster = cluster
    this.#names = names
    this.#packing = new Packing(cluster.kafka)
    this.#encoder = new DatumEncoder(cluster.settings.codec)
    this.#produce = produce
  }

  async append(batches: readonly AppendBatch[]): Promise<Appended[]> {
    if (this.#closed) throw closedError()
    const bytes = batches.reduce((sum, batch) => sum + batch.frames.length, 0)
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > MAX_WAITING_BYTES) {
      throw new MillraceError(
        'OVERLOADED',
        `${this.#waitingBytes} bytes are on their way to Kafka already, and ${MAX_WAITING_BYTES} may be.`,
        {
          fix: 'Send again later.',
        },
      )
    }
    this.#waitingBytes += bytes
    try {
      // Whoever asks first is first in the log, even where a topic has to be looked up before.
      if (this.#entering !== undefined || !batches.every(batch => this.#isKnown(batch))) await this.#enter(batches)
      if (this.#closed) throw closedError()
      // Once it is queued it is answered for, and all answers are waited for: an append must not fail while parts of it go on.
      const outcomes = await Promise.allSettled(batches.map(batch => this.#enqueue(batch)))
      const failed = outcomes.find(outcome => outcome.status === 'rejected')
      if (failed !== undefined) throw failed.reason
      return outcomes.map(outcome => (outcome as PromiseFulfilledResult<Appended>).value)
    } finally {
      this.#waitingBytes -= bytes
      if (this.#waitingBytes === 0) this.#idle?.()
    }
  }

  /** Refuses what comes from now on, and resolves when all that came before is answered; after a while with what is not known. */
  async close(): Promise<void> {
    this.#closed = true
    if (this.#waitingBytes === 0) return
    const idle = new Promise<void>(resolve => {
      this.#idle = resolve
    })
    const cancel = this.#cluster.settings.clock.after(FLUSH_MS, () => {
      for (const queue of this.#queues.values()) {
        queue.refuseAll(closedError())
        queue.delivery?.giveUp()
      }
    })
    await idle
    cancel()
  }

  #isKnown({ topic, partition }: AppendBatch): boolean {
    const metadata = this.#cluster.known(this.#names.topic(topic))
    return metadata !== undefined && Number.isInteger(partition) && partition >= 0 && partition < metadata.partitions.length
  }

  /** Waits for its turn, and looks up what is not known. @throws TOPIC_UNKNOWN */
  #enter(batches: readonly AppendBatch[]): Promise<void> {
    const turn = (this.#entering ?? Promise.resolve()).catch(() => undefined).then(() => this.#check(batches))
    this.#entering = turn
    return turn.finally(() => {
      if (this.#entering === turn) this.#entering = undefined
    })
  }

  async #check(batches: readonly AppendBatch[]): Promise<void> {
    for (const batch of batches) {
      if (this.#isKnown(batch)) continue
      const kafkaTopic = this.#names.topic(batch.topic)
      await this.#cluster.patiently({ what: `describe the topic ${kafkaTopic}` }, () => this.#cluster.refresh([kafkaTopic]))
      if (!this.#isKnown(batch)) throw unknownPlace(batch, kafkaTopic, this.#cluster.known(kafkaTopic))
    }
  }

  #enqueue(batch: AppendBatch): Promise<Appended> {
    if (batch.count === 0) return Promise.resolve({ first: 0, count: 0, duplicates: [], taken: [] })
    const kafkaTopic = this.#names.topic(batch.topic)
    const name = `${kafkaTopic}/${batch.partition}`
    let queue = this.#queues.get(name)
    if (queue === undefined) {
      queue = new PartitionQueue(batch.topic, kafkaTopic, batch.partition)
      this.#queues.set(name, queue)
    }
    const { promise, resolve, reject } = Promise.withResolvers<Appended>()
    const { clock, sendTimeoutMs } = this.#cluster.settings
    queue.push({ batch, deadlineMs: clock.now() + sendTimeoutMs, resolve, reject, alone: false })
    this.#wake(queue)
    return promise
  }

  #wake(queue: PartitionQueue): void {
    if (!queue.isReady) return
    this.#ready.add(queue)
    if (this.#scheduled) return
    this.#scheduled = true
    // After what this turn of the event loop has still to append: it shares the requests.
    setImmediate(() => {
      this.#scheduled = false
      this.#send()
    })
  }

  /** Sends what is ready: one batch of each partition. */
  #send(): void {
    const queues = [...this.#ready].filter(queue => queue.isReady)
    this.#ready.clear()
    const deliveries = queues.flatMap(queue => queue.begin(this.#writer, this.#encoder, this.#packing, this.#cluster.settings) ?? [])
    // What fails is judged batch by batch; a failure beyond that is a fault of ours, and none may wait for ever.
    this.#deliver(deliveries).catch(error => {
      for (const delivery of deliveries) if (delivery.open && delivery.fail(error)) this.#identity = undefined
    })
  }

  /** Sends until each batch is stored or given up. A partition goes on as soon as its own batch is: it waits for no other. */
  async #deliver(deliveries: readonly Delivery[]): Promise<void> {
    const { clock } = this.#cluster.settings
    for (let left = deliveries; left.length > 0; ) {
      const byLeader = Map.groupBy(left, ({ queue }) => this.#cluster.known(queue.kafkaTopic)?.partitions[queue.partition]?.leader ?? -1)
      await Promise.all([...byLeader].flatMap(([leader, led]) => chunked(led).map(chunk => this.#attempt(leader, chunk))))
      left = left.filter(delivery => delivery.open)
      if (left.length === 0) return
      await clock.sleep(RETRY_MS)
      for (const delivery of left) this.#giveUpLate(delivery, clock.now())
      left = left.filter(delivery => delivery.open)
      await this.#cluster.refresh(left.map(({ queue }) => queue.kafkaTopic)).catch(error => {
        for (const delivery of left) delivery.postpone(error)
      })
      // close() may have given up what was open until then.
      left = left.filter(delivery => delivery.open)
    }
  }

  /** One request. Batches that are neither stored nor refused by it are open still. */
  async #attempt(leader: number, deliveries: readonly Delivery[]): Promise<void> {
    const { kafka } = this.#cluster
    try {
      const identity = await this.#identify()
      const connection = await this.#cluster.connect(leader, this.#cluster.pool('produce'))
      const asked = deliveries.filter(delivery => delivery.open)
      const produced = asked.map(delivery => {
        const { kafkaTopic, partition } = delivery.queue
        return { kafkaTopic, partition, batch: delivery.stamped(kafka, identity) }
      })
      const answers = await this.#produce(connection, produced, BROKER_TIMEOUT_MS)
      for (const delivery of asked) {
        const { kafkaTopic, partition } = delivery.queue
        const answer = answers.find(one => one.kafkaTopic === kafkaTopic && one.partition === partition)
        if (delivery.open && settle(delivery, answer, this.#cluster)) this.#identity = undefined
      }
    } catch (error) {
      for (const delivery of deliveries) {
        if (!delivery.open) continue
        const { kafkaTopic } = delivery.queue
        if (isTransient(error)) delivery.postpone(error)
        else if (
          delivery.fail(this.#cluster.failure(error, { what: `append to ${kafkaTopic}`, right: `Write on the topic ${kafkaTopic}` }))
        )
          this.#identity = undefined
      }
    }
    for (const { queue } of deliveries) this.#wake(queue)
  }

  #giveUpLate(delivery: Delivery, nowMs: number): void {
    if (!delivery.open || !delivery.isLate(nowMs)) return
    if (delivery.giveUp()) this.#identity = undefined
    delivery.queue.refuseLate(nowMs, delivery.unknownOutcome(false))
    this.#wake(delivery.queue)
  }

  /** This producer's name to the brokers, asked for once. */
  #identify(): Promise<ProducerIdentity> {
    this.#identity ??= this.#askIdentity()
    const asked = this.#identity
    asked.catch(() => {
      if (this.#identity === asked) this.#identity = undefined
    })
    return asked
  }

  async #askIdentity(): Promise<ProducerIdentity> {
    const { kafka } = this.#cluster
    const { errorCode, producerId, producerEpoch } = await answered(
      kafka.initProducerIdV4.api.async(await this.#cluster.any(), null, TRANSACTION_TIMEOUT_MS),
    )
    if (errorCode !== 0) throw new kafka.ProtocolError(errorCode)
    return { id: producerId, epoch: producerEpoch }
  }
}

/** Asked for by the request, and of no meaning without transactions. */
const TRANSACTION_TIMEOUT_MS = 0

function chunked(deliveries: readonly Delivery[]): Delivery[][] {
  const chunks: Delivery[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const delivery of deliveries) {
    if (bytes + delivery.byteLength > MAX_REQUEST_BYTES) {
      chunks.push([])
      bytes = 0
    }
    chunks.at(-1)!.push(delivery)
    bytes += delivery.byteLength
  }
  return chunks
}

function unknownPlace({ topic, partition }: AppendBatch, kafkaTopic: string, metadata: TopicMetadata | undefined): MillraceError {
  const what =
    metadata === undefined
      ? `There is no topic ${topic} in Kafka (there it is called ${kafkaTopic}).`
      : `The topic ${topic} has ${metadata.partitions.length} partitions; ${partition} is none of them.`
  return new MillraceError('TOPIC_UNKNOWN', what)
}
