import * as kafka from '@platformatic/kafka'
import { FrameCursor } from '../../../src/envelope/frame.ts'
import { DatumEncoder } from '../../../src/stream/adapters/kafka/datum/encode.ts'
import { LogReader } from '../../../src/stream/adapters/kafka/log-reader.ts'
import type { Compression, EnvelopeCodec } from '../../../src/stream/adapters/kafka/options.ts'
import { BatchWriter, stampBatch } from '../../../src/stream/adapters/kafka/wire/batch-writer.ts'
import { Packing } from '../../../src/stream/adapters/kafka/wire/compression.ts'
import type { FetchedPartition } from '../../../src/stream/adapters/kafka/wire/fetch-call.ts'
import type { RecordBatch } from '../../../src/stream/stream.ts'

export const TOPIC = 'demand'
export const APPENDED_MS = 1_490_000_000_123
const packing = new Packing(kafka)

/** One record batch as the adapter sends it; brokers write its first offset into it. */
export function batchOf(frames: Uint8Array, codec: EnvelopeCodec = 'json', compression: Compression = 'zstd', first = 0): Buffer {
  const writer = new BatchWriter()
  new DatumEncoder(codec).encode(TOPIC, frames, writer)
  const batch = writer.take(packing, compression, APPENDED_MS)
  stampBatch(kafka, batch, { id: 7n, epoch: 0 }, 0)
  batch.writeBigInt64BE(BigInt(first), 0)
  return batch
}

/** One record batch as another client writes it. */
export function foreignBatch(messages: Parameters<typeof kafka.createRecordsBatch>[0], first = 0): Buffer {
  const batch = Buffer.from(kafka.createRecordsBatch(messages, { compression: 'none' }).buffer)
  batch.writeBigInt64BE(BigInt(first), 0)
  return batch
}

/** A record with text for headers, as other clients make them. */
export function message(value: string | Buffer | null, options: { key?: Buffer; headers?: Record<string, string> } = {}) {
  const headers = Object.entries(options.headers ?? {}).map(([name, text]) => [Buffer.from(name), Buffer.from(text)] as const)
  return {
    topic: TOPIC,
    partition: 0,
    // The client's type asks for a value, and its writer takes null for a tombstone.
    value: (typeof value === 'string' ? Buffer.from(value) : value) as Buffer,
    timestamp: BigInt(APPENDED_MS),
    ...(options.key === undefined ? {} : { key: options.key }),
    headers: new Map(headers),
  }
}

export function logOf(batches: readonly Buffer[], aborted: FetchedPartition['aborted'] = []): FetchedPartition {
  return { topicId: '', partition: 0, errorCode: 0, aborted, records: Buffer.concat(batches) }
}

export function readLog(batches: readonly Buffer[], from = 0, maxBytes = 1e8, aborted: FetchedPartition['aborted'] = []): RecordBatch {
  return readerOf().open(logOf(batches, aborted), from).take(maxBytes)
}

export function readerOf(): LogReader {
  return new LogReader(kafka, packing, TOPIC, `team.${TOPIC}`, 0)
}

export interface Read {
  readonly offset: number
  readonly isVoid: boolean
  readonly id: string
  readonly source: string
  readonly createdMs: number
  readonly type: string
  readonly contentType: string
  readonly key: string
  readonly text: string
}

/** What a batch holds, datum by datum. */
export function dataIn(batch: RecordBatch): Read[] {
  const cursor = new FrameCursor(batch.frames, batch.ascii)
  const data: Read[] = []
  while (cursor.next()) {
    data.push({
      offset: batch.first + cursor.index,
      isVoid: cursor.isVoid,
      id: cursor.dataId,
      source: cursor.source,
      createdMs: cursor.createdMs,
      type: cursor.type,
      contentType: cursor.contentType,
      key: cursor.key,
      text: cursor.data.toString('utf8'),
    })
  }
  return data
}
