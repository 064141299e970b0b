import { FrameWriter } from '../../../envelope/frame.ts'
import { MillraceError } from '../../../errors.ts'
import type { RecordBatch } from '../../stream.ts'
import type { KafkaClient } from './client.ts'
import { DatumDecoder } from './datum/decode.ts'
import {
  AT,
  BATCH_HEADER_BYTES,
  BATCH_PREFIX_BYTES,
  COMPRESSION_MASK,
  CONTROL,
  LOG_APPEND_TIME,
  MAGIC,
  readLong,
  TRANSACTIONAL,
} from './wire/batch.ts'
import type { Packing } from './wire/compression.ts'
import type { FetchedPartition } from './wire/fetch-call.ts'
import { RecordCursor } from './wire/record.ts'

const SCRATCH_BYTES = 1024 * 1024
/** Reading is one step without a pause, so all readers share the place where frames are gathered before they are handed out. */
let scratch = new FrameWriter(SCRATCH_BYTES)

/** Reads the log of one partition: record batches as they lie there into frames. */
export class LogReader {
  readonly kafka: KafkaClient
  readonly packing: Packing
  readonly topic: string
  readonly kafkaTopic: string
  readonly partition: number
  readonly decoder: DatumDecoder

  constructor(kafka: KafkaClient, packing: Packing, topic: string, kafkaTopic: string, partition: number) {
    this.kafka = kafka
    this.packing = packing
    this.topic = topic
    this.kafkaTopic = kafkaTopic
    this.partition = partition
    this.decoder = new DatumDecoder(topic)
  }

  open(fetched: FetchedPartition, from: number): FetchedLog {
    return new FetchedLog(this, fetched, from)
  }

  empty(first: number): RecordBatch {
    return { topic: this.topic, partition: this.partition, first, count: 0, frames: new Uint8Array(0), ascii: true, appendedMs: 0 }
  }
}

/** One fetch's bytes of one partition, read piece by piece: no more is unpacked than is asked for. */
export class FetchedLog {
  readonly #reader: LogReader
  readonly #bytes: Buffer
  readonly #aborted: { readonly producer: bigint; readonly first: number }[]
  /** Producers whose transaction was taken back, and whose marker has not come yet. */
  readonly #aborting = new Set<bigint>()
  #at = 0
  #next: number

  constructor(reader: LogReader, fetched: FetchedPartition, from: number) {
    this.#reader = reader
    this.#bytes = fetched.records
    this.#aborted = fetched.aborted.toSorted((a, b) => a.first - b.first)
    this.#next = from
  }

  /** The offset that is read next. */
  get next(): number {
    return this.#next
  }

  /** Whether a whole record batch is left. */
  get more(): boolean {
    return this.#end() !== undefined
  }

  /** When the record batch that comes next was appended, which its header says; undefined where none is whole. */
  get appendedMs(): number | undefined {
    return this.more ? this.#timestampMs() : undefined
  }

  /** Whole record batches, about `maxBytes` and at least one; empty at the end. @throws LOG_CORRUPT */
  take(maxBytes: number): RecordBatch {
    const { topic, partition } = this.#reader
    const first = this.#next
    try {
      const appendedMs = this.#gather(scratch, maxBytes)
      return { topic, partition, first, ...scratch.take(), appendedMs }
    } finally {
      // What a batch that cannot be read has left must not come out with the next one; nor must one large batch be paid for ever after.
      if (scratch.count > 0 || scratch.byteLength > SCRATCH_BYTES) scratch = new FrameWriter(SCRATCH_BYTES)
    }
  }

  /** @returns when the oldest of it was appended. */
  #gather(writer: FrameWriter, maxBytes: number): number {
    let appendedMs = 0
    for (let end = this.#end(); end !== undefined; end = this.#end()) {
      const base = readLong(this.#bytes, this.#at)
      const last = base + this.#bytes.readInt32BE(this.#at + AT.last)
      if (last >= this.#next) {
        const timestampMs = this.#timestampMs()
        appendedMs = writer.count === 0 ? timestampMs : Math.min(appendedMs, timestampMs)
        this.#fill(base, writer, maxBytes)
        // Compaction may have taken millions: what is left of them is given next time.
        if (this.#next < base) break
        this.#batch(end, base, last, writer)
      }
      this.#at = end
      if (writer.byteLength >= maxBytes) break
    }
    return appendedMs
  }

  /** Where the record batch ends that comes next; undefined where none is whole. */
  #end(): number | undefined {
    const bytes = this.#bytes
    if (this.#at + BATCH_HEADER_BYTES > bytes.length) return undefined
    const end = this.#at + BATCH_PREFIX_BYTES + bytes.readInt32BE(this.#at + AT.length)
    return end <= bytes.length ? end : undefined
  }

  #timestampMs(): number {
    const stamped = this.#bytes.readInt16BE(this.#at + AT.attributes) & LOG_APPEND_TIME
    return Math.max(0, readLong(this.#bytes, this.#at + (stamped === 0 ? AT.timestamp : AT.maxTimestamp)))
  }

  /** Positions up to `offset` hold no datum. */
  #fill(offset: number, writer: FrameWriter, maxBytes: number): void {
    for (; this.#next < offset && (writer.byteLength < maxBytes || writer.count === 0); this.#next++) writer.addVoid()
  }

  #batch(end: number, base: number, last: number, writer: FrameWriter): void {
    const bytes = this.#bytes
    const at = this.#at
    if (bytes[at + AT.magic] !== MAGIC) throw this.#corrupt(base, `it is of format ${bytes[at + AT.magic]}, and only ${MAGIC} is read`)
    if (this.#reader.kafka.crc32c(bytes.subarray(at + AT.attributes, end)) >>> 0 !== bytes.readUInt32BE(at + AT.crc)) {
      throw this.#corrupt(base, 'its checksum does not hold')
    }
    const attributes = bytes.readInt16BE(at + AT.attributes)
    const taken = this.#takenBack(attributes, last)
    if ((attributes & CONTROL) === 0 && !taken) this.#records(attributes, end, base, writer)
    this.#fill(last + 1, writer, Number.POSITIVE_INFINITY)
  }

  /** Whether the batch is of a transaction that was aborted; keeps count of those that are open. */
  #takenBack(attributes: number, last: number): boolean {
    if ((attributes & TRANSACTIONAL) === 0) return false
    while (this.#aborted[0] !== undefined && this.#aborted[0].first <= last) this.#aborting.add(this.#aborted.shift()!.producer)
    const producer = this.#bytes.readBigInt64BE(this.#at + AT.producer)
    if (attributes & CONTROL) {
      // Its marker, commit or abort, ends the transaction: what the producer writes after it is another one's.
      this.#aborting.delete(producer)
      return false
    }
    return this.#aborting.has(producer)
  }

  #records(attributes: number, end: number, base: number, writer: FrameWriter): void {
    const { decoder, packing, kafkaTopic, partition } = this.#reader
    const at = this.#at
    const baseMs = this.#timestampMs()
    const fixedMs = (attributes & LOG_APPEND_TIME) !== 0
    const place = { kafkaTopic, partition, offset: 0, timestampMs: 0 }
    try {
      const unpacked = packing.unpack(attributes & COMPRESSION_MASK, this.#bytes.subarray(at + BATCH_HEADER_BYTES, end))
      const records = new RecordCursor(unpacked, this.#bytes.readInt32BE(at + AT.count))
      while (records.next()) {
        const offset = base + records.offsetDelta
        if (offset < this.#next) continue
        this.#fill(offset, writer, Number.POSITIVE_INFINITY)
        place.offset = offset
        place.timestampMs = fixedMs ? baseMs : baseMs + records.timestampDelta
        decoder.decode(records, place, writer)
        this.#next++
      }
    } catch (cause) {
      throw this.#corrupt(base, cause instanceof Error ? cause.message : String(cause), cause)
    }
  }

  #corrupt(offset: number, why: string, cause?: unknown): MillraceError {
    const { topic, kafkaTopic, partition } = this.#reader
    return new MillraceError(
      'LOG_CORRUPT',
      `The record batch of ${topic}/${partition} at offset ${offset} (Kafka topic ${kafkaTopic}) cannot be read: ${why}.`,
      {
        fix: 'Look at it with kafka-dump-log. To pass over it, move the group beyond it with kafka-consumer-groups --reset-offsets.',
        ...(cause === undefined ? {} : { cause }),
      },
    )
  }
}
