import { MillraceError } from '../../../errors.ts'
import type { KafkaClient } from './client.ts'
import { causesOf } from './failure.ts'
import type { PartitionQueue, Waiting } from './partition-queue.ts'
import { type ProducerIdentity, stampBatch } from './wire/batch-writer.ts'

/**
 * One record batch on its way to its partition: it stays what it is, to the byte, until its fate is known. States: open → settled, by `succeed`,
 * `fail`, `split` or `giveUp`. Whoever holds it asks {@link open} first: its partition may be on with the next one, which an answer to this
 * one must never settle.
 */
export class Delivery {
  readonly queue: PartitionQueue
  readonly #records: Buffer
  readonly #count: number
  readonly #appends: readonly Waiting[]
  #open = true
  /** It was handed to a broker, and no broker has said that it did not store it. */
  #mayBeStored = false
  /** As it was before the attempt under way. */
  #mightBefore = false
  #missing = 0
  #lastError: unknown

  constructor(queue: PartitionQueue, records: Buffer, count: number, appends: readonly Waiting[]) {
    this.queue = queue
    this.#records = records
    this.#count = count
    this.#appends = appends
  }

  get open(): boolean {
    return this.#open
  }

  get byteLength(): number {
    return this.#records.length
  }

  /** How often the topic was not found, this time included. */
  countMissing(): number {
    return ++this.#missing
  }

  /** The bytes with the producer's name and the sequence number in them: the same at every attempt, unless the producer had to begin anew. */
  stamped(kafka: KafkaClient, current: ProducerIdentity): Buffer {
    const { identity, sequence } = this.queue.producer(current)
    stampBatch(kafka, this.#records, identity, sequence)
    this.#mightBefore = this.#mayBeStored
    this.#mayBeStored = true
    return this.#records
  }

  /** The broker has looked at this attempt and stored nothing of it; an earlier one may be stored all the same. */
  turnedAway(): void {
    this.#mayBeStored = this.#mightBefore
  }

  succeed(offset: number): void {
    this.#settle()
    this.queue.stored(this.#count)
    let first = offset
    for (const { batch, resolve } of this.#appends) {
      resolve({ first, count: batch.count, duplicates: [], taken: [] })
      first += batch.count
    }
  }

  /**
   * It will not be sent again. Where an attempt may be stored its fate is unknown: kept, its sequence number would let the broker take the
   * next batch for a copy of this one and acknowledge what it never stored. @returns as {@link giveUp}.
   */
  fail(error: unknown): boolean {
    if (this.#mayBeStored) {
      this.postpone(error)
      return this.giveUp()
    }
    this.#settle()
    for (const { reject } of this.#appends) reject(error)
    return false
  }

  /** Too large: by itself each may still fit. False where it is by itself already or may be stored, and open still. */
  split(): boolean {
    if (this.#appends.length < 2 || this.#mayBeStored) return false
    this.#settle()
    this.queue.takeBack(this.#appends)
    return true
  }

  /** It is tried again, and `error` is what to tell should that not help. */
  postpone(error: unknown): void {
    this.#lastError = error
  }

  /** Whether all who wait for it have waited too long. */
  isLate(nowMs: number): boolean {
    return this.#appends.every(append => append.deadlineMs <= nowMs)
  }

  /** Its fate is not known. @returns whether it may be stored: the sequence is then unknown too. */
  giveUp(): boolean {
    this.#settle()
    if (this.#mayBeStored) this.queue.renew()
    for (const { reject } of this.#appends) reject(this.unknownOutcome(this.#mayBeStored))
    return this.#mayBeStored
  }

  unknownOutcome(sent: boolean): MillraceError {
    const { topic, partition } = this.queue
    const why = causesOf(this.#lastError).find(one => one.message !== '')?.message ?? 'no answer came'
    const what = sent ? 'was sent and not acknowledged' : 'could not be sent'
    return new MillraceError('APPEND_UNKNOWN', `A batch for ${topic}/${partition} ${what} in time (${why.replace(/\.$/, '')}).`, {
      fix: 'Send it again: copies are recognised by their ids.',
      ...(this.#lastError === undefined ? {} : { cause: this.#lastError }),
    })
  }

  #settle(): void {
    if (!this.#open) throw new TypeError(`A batch for ${this.queue.topic}/${this.queue.partition} was settled twice.`)
    this.#open = false
    this.queue.settled(this)
  }
}
