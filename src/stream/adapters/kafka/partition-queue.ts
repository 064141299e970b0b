import type { AppendBatch, Appended } from '../../stream.ts'
import type { DatumEncoder } from './datum/encode.ts'
import { Delivery } from './delivery.ts'
import type { Settings } from './options.ts'
import type { BatchWriter, ProducerIdentity } from './wire/batch-writer.ts'
import type { Packing } from './wire/compression.ts'

/** An append that waits for its turn, or for its answer. */
export interface Waiting {
  readonly batch: AppendBatch
  readonly deadlineMs: number
  readonly resolve: (appended: Appended) => void
  readonly reject: (error: unknown) => void
  /** Too large together with others: it goes by itself. */
  alone: boolean
}

/** Frames that share one record batch. Small enough that a reader who wants some of it need not unpack much more. */
const MAX_BATCH_BYTES = 512 * 1024
/** Sequence numbers go round at 2^31, as the brokers count them. */
const SEQUENCES = 2 ** 31

/**
 * What waits to be appended to one partition, the one record batch that is under way, and how far the producer's sequence has come. The
 * sequence number moves only when a batch is known to be stored.
 */
export class PartitionQueue {
  readonly topic: string
  readonly kafkaTopic: string
  readonly partition: number
  #waiting: Waiting[] = []
  #delivery: Delivery | undefined
  #identity: ProducerIdentity | undefined
  #sequence = 0

  constructor(topic: string, kafkaTopic: string, partition: number) {
    this.topic = topic
    this.kafkaTopic = kafkaTopic
    this.partition = partition
  }

  /** What is under way. */
  get delivery(): Delivery | undefined {
    return this.#delivery
  }

  /** Something waits, and nothing is under way. */
  get isReady(): boolean {
    return this.#delivery === undefined && this.#waiting.length > 0
  }

  push(append: Waiting): void {
    this.#waiting.push(append)
  }

  /** Makes a record batch of what waits, as much as one should hold. Undefined where none of it could be written. */
  begin(writer: BatchWriter, encoder: DatumEncoder, packing: Packing, { compression, clock }: Settings): Delivery | undefined {
    const appends: Waiting[] = []
    let bytes = 0
    for (let next = this.#waiting[0]; next !== undefined; next = this.#waiting[0]) {
      const { batch, alone } = next
      if (appends.length > 0 && (alone || appends[0]!.alone || bytes + batch.frames.length > MAX_BATCH_BYTES)) break
      this.#waiting.shift()
      try {
        encoder.encode(this.topic, batch.frames, writer)
        appends.push(next)
        bytes += batch.frames.length
      } catch (error) {
        next.reject(error)
      }
    }
    if (appends.length === 0) return undefined
    const { count } = writer
    this.#delivery = new Delivery(this, writer.take(packing, compression, clock.now()), count, appends)
    return this.#delivery
  }

  /** As whom, and under which number, the batch under way is sent. */
  producer(current: ProducerIdentity): { readonly identity: ProducerIdentity; readonly sequence: number } {
    if (this.#identity === undefined) {
      this.#identity = current
      this.#sequence = 0
    }
    return { identity: this.#identity, sequence: this.#sequence }
  }

  stored(count: number): void {
    this.#sequence = (this.#sequence + count) % SEQUENCES
  }

  /** The brokers no longer know this producer, or the sequence is not known any more: it begins as another one. */
  renew(): void {
    this.#identity = undefined
  }

  settled(delivery: Delivery): void {
    if (this.#delivery === delivery) this.#delivery = undefined
  }

  /** They go again, each by itself, before all others. */
  takeBack(appends: readonly Waiting[]): void {
    for (const append of appends) append.alone = true
    this.#waiting.unshift(...appends)
  }

  /** Those that have waited too long are refused: with `error`, for nothing of them was sent. */
  refuseLate(nowMs: number, error: unknown): void {
    while (this.#waiting[0] !== undefined && this.#waiting[0].deadlineMs <= nowMs) this.#waiting.shift()!.reject(error)
  }

  /** Everything that waits is refused. */
  refuseAll(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }
}
