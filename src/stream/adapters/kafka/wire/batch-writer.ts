import { grown } from '../../../../envelope/grown.ts'
import type { KafkaClient } from '../client.ts'
import type { Compression } from '../options.ts'
import { AT, BATCH_HEADER_BYTES, BATCH_PREFIX_BYTES, MAGIC, writeLong } from './batch.ts'
import type { Packing } from './compression.ts'
import { varintBytes, writeVarint } from './varint.ts'

/** Who an idempotent producer is to the brokers: they refuse a batch of its that they have. */
export interface ProducerIdentity {
  readonly id: bigint
  readonly epoch: number
}

/**
 * Gathers the records of one batch as the wire has them. The client's own writer makes several objects for each record and costs
 * several times as much; for hundreds of data at a time that is most of what an append costs.
 */
export class BatchWriter {
  #buffer = Buffer.allocUnsafeSlow(64 * 1024)
  #length = 0
  #count = 0

  get count(): number {
    return this.#count
  }

  get byteLength(): number {
    return this.#length
  }

  /**
   * Begins a record whose value has `valueBytes`, to be written at the place returned in {@link buffer}, and `headers` as they go onto the
   * wire, their count before them. Its value must be written before the next record begins.
   */
  record(key: Uint8Array | undefined, valueBytes: number, headers: Uint8Array): number {
    const keyBytes = key?.length ?? -1
    const body =
      2 + // attributes, timestamp delta: all of a batch are appended at one moment
      varintBytes(this.#count) +
      varintBytes(keyBytes) +
      Math.max(keyBytes, 0) +
      varintBytes(valueBytes) +
      valueBytes +
      headers.length
    this.#reserve(body + 5)
    const b = this.#buffer
    let at = writeVarint(b, this.#length, body)
    b[at++] = 0
    b[at++] = 0
    at = writeVarint(b, at, this.#count)
    at = writeVarint(b, at, keyBytes)
    if (key !== undefined) {
      b.set(key, at)
      at += key.length
    }
    at = writeVarint(b, at, valueBytes)
    b.set(headers, at + valueBytes)
    this.#length = at + valueBytes + headers.length
    this.#count++
    return at
  }

  /** Where {@link record} said: it may be another buffer at each record. */
  get buffer(): Buffer {
    return this.#buffer
  }

  /** Takes back every record from the `count`th on, which began at byte `length`. */
  rollBack(count: number, length: number): void {
    this.#count = count
    this.#length = length
  }

  /** The batch's bytes, and the writer empty again. It is nobody's until {@link stampBatch} says whose it is. */
  take(packing: Packing, compression: Compression, nowMs: number): Buffer {
    const records = packing.pack(compression, this.#buffer.subarray(0, this.#length))
    const batch = Buffer.allocUnsafeSlow(BATCH_HEADER_BYTES + records.length)
    writeLong(batch, 0, 0)
    batch.writeInt32BE(batch.length - BATCH_PREFIX_BYTES, AT.length)
    batch.writeInt32BE(-1, AT.epoch)
    batch[AT.magic] = MAGIC
    batch.writeInt16BE(packing.code(compression), AT.attributes)
    batch.writeInt32BE(this.#count - 1, AT.last)
    writeLong(batch, AT.timestamp, nowMs)
    writeLong(batch, AT.maxTimestamp, nowMs)
    batch.writeInt32BE(this.#count, AT.count)
    batch.set(records, BATCH_HEADER_BYTES)
    this.#length = 0
    this.#count = 0
    return batch
  }

  #reserve(bytes: number): void {
    const need = this.#length + bytes
    if (need > this.#buffer.length) this.#buffer = grown(this.#buffer, this.#length, need)
  }
}

/** Says whose batch it is and where in that producer's sequence for the partition, with the checksum over it all. */
export function stampBatch(kafka: KafkaClient, batch: Buffer, producer: ProducerIdentity, sequence: number): void {
  batch.writeBigInt64BE(producer.id, AT.producer)
  batch.writeInt16BE(producer.epoch, AT.producerEpoch)
  batch.writeInt32BE(sequence, AT.sequence)
  batch.writeUInt32BE(kafka.crc32c(batch.subarray(AT.attributes)) >>> 0, AT.crc)
}
