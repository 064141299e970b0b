import { MillraceError } from '../../../errors.ts'
import type { AppendBatch, Appended } from '../../stream.ts'
import type { KafkaClient } from './client.ts'
import type { DatumEncoder } from './datum/encode.ts'
import { causesOf } from './failure.ts'
import type { Settings } from './options.ts'
import { type BatchWriter, type ProducerIdentity, stampBatch } from './wire/batch-writer.ts'
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

/** One record batch on its way: it stays what it is, to the byte, until its fate is known. */
interface Sending {
  readonly records: Buffer
  readonly count: number
  readonly appends: readonly Waiting[]
  /** It was handed to a broker once, so it may be stored. */
  sent: boolean
  /** How often the topic was not found. */
  missing: number
  lastError: unknown
}

/** Frames that share one record batch. Small enough that a reader who wants some of it need not unpack much more. */
const MAX_BATCH_BYTES = 512 * 1024
/** Sequence numbers go round at 2^31, as the brokers count them. */
const SEQUENCES = 2 ** 31

/**
 * What waits to be appended to one partition, and the one record batch that is under way. States: idle → sending (`begin`) → idle, by
 * `succeed`, `fail` or `giveUpLate`. The sequence number moves only when a batch is known to be stored.
 */
export class PartitionQueue {
  readonly topic: string
  readonly kafkaTopic: string
  readonly partition: number
  #waiting: Waiting[] = []
  #sending: Sending | undefined
  #identity: ProducerIdentity | undefined
  #sequence = 0

  constructor(topic: string, kafkaTopic: string, partition: number) {
    this.topic = topic
    this.kafkaTopic = kafkaTopic
    this.partition = partition
  }

  get sending(): Sending | undefined {
    return this.#sending
  }

  get waiting(): number {
    return this.#waiting.length
  }

  push(append: Waiting): void {
    this.#waiting.push(append)
  }

  /** Makes a record batch of what waits, as much as one should hold. Nothing is under way after it where none of it could be written. */
  begin(writer: BatchWriter, encoder: DatumEncoder, packing: Packing, { compression, clock }: Settings): void {
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
    if (appends.length === 0) return
    const { count } = writer
    this.#sending = {
      records: writer.take(packing, compression, clock.now()),
      count,
      appends,
      sent: false,
      missing: 0,
      lastError: undefined,
    }
  }

  /** Puts the producer's name and the sequence number into the batch; the same ones at every attempt, unless {@link renew} came between. */
  stamp(kafka: KafkaClient, current: ProducerIdentity): Buffer {
    const { records } = this.#under()
    if (this.#identity === undefined) {
      this.#identity = current
      this.#sequence = 0
    }
    stampBatch(kafka, records, this.#identity, this.#sequence)
    return records
  }

  succeed(offset: number): void {
    const { appends, count } = this.#end()
    this.#sequence = (this.#sequence + count) % SEQUENCES
    let first = offset
    for (const { batch, resolve } of appends) {
      resolve({ first, count: batch.count, duplicates: [], taken: [] })
      first += batch.count
    }
  }

  /** It is not stored, and will not be. */
  fail(error: unknown): void {
    for (const { reject } of this.#end().appends) reject(error)
  }

  /** Too large: by itself each may still fit. False where it is by itself already. */
  split(): boolean {
    const { appends } = this.#under()
    if (appends.length < 2) return false
    for (const append of appends) append.alone = true
    this.#end()
    this.#waiting.unshift(...appends)
    return true
  }

  /** It is tried again, and `error` is what to tell should that not help. */
  postpone(error: unknown): void {
    this.#under().lastError = error
  }

  /** The brokers no longer know this producer, so it begins as another one. */
  renew(): void {
    this.#identity = undefined
  }

  /** Gives up what has taken too long. @returns whether something may be stored all the same: the sequence is then unknown. */
  giveUpLate(nowMs: number): boolean {
    const under = this.#sending
    const late = under?.appends.every(append => append.deadlineMs <= nowMs) === true
    if (late) this.giveUp()
    while (this.#waiting[0] !== undefined && this.#waiting[0].deadlineMs <= nowMs && late) {
      this.#waiting.shift()!.reject(unknownOutcome(this, false, under?.lastError))
    }
    return late && under?.sent === true
  }

  /** Gives up what is under way. */
  giveUp(): void {
    const { appends, sent, lastError } = this.#end()
    if (sent) this.renew()
    for (const { reject } of appends) reject(unknownOutcome(this, sent, lastError))
  }

  /** Everything that waits is refused with `error`. */
  refuseWaiting(error: unknown): void {
    for (const { reject } of this.#waiting.splice(0)) reject(error)
  }

  #under(): Sending {
    if (this.#sending === undefined) throw new TypeError(`Nothing is on its way to ${this.topic}/${this.partition}.`)
    return this.#sending
  }

  #end(): Sending {
    const sending = this.#under()
    this.#sending = undefined
    return sending
  }
}

function unknownOutcome({ topic, partition }: PartitionQueue, sent: boolean, cause: unknown): MillraceError {
  const why = causesOf(cause).find(one => one.message !== '')?.message ?? 'no answer came'
  const what = sent ? 'was sent and not acknowledged' : 'could not be sent'
  return new MillraceError('APPEND_UNKNOWN', `A batch for ${topic}/${partition} ${what} in time (${why.replace(/\.$/, '')}).`, {
    fix: 'Send it again: copies are recognised by their ids.',
    ...(cause === undefined ? {} : { cause }),
  })
}
