import { constants, gunzipSync, gzipSync, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import type { KafkaClient } from '../client.ts'
import type { Compression } from '../options.ts'

/** What one record batch may unpack to: a few bytes must not be able to fill the memory. */
const MAX_UNPACKED_BYTES = 256 * 1024 * 1024
const CODES: Readonly<Record<Compression, number>> = { none: 0, gzip: 1, snappy: 2, lz4: 3, zstd: 4 }
/** A level of 1 costs half of the default 3 and saves nearly as much of what base64 leaves to save. */
const ZSTD = { [constants.ZSTD_c_compressionLevel]: 1 }
/** Node gathers what it makes in pieces of 16 KiB unless told otherwise, and then joins them. */
const MIN_PIECE_BYTES = 16 * 1024
const MAX_PIECE_BYTES = 4 * 1024 * 1024
/** Envelopes in JSON shrink to a quarter or less. */
const EXPECTED_RATIO = 8

/** Packs and unpacks the records of a batch. The last three bits of a batch's attributes say how. */
export class Packing {
  readonly #kafka: KafkaClient

  constructor(kafka: KafkaClient) {
    this.#kafka = kafka
  }

  code(compression: Compression): number {
    return CODES[compression]
  }

  pack(compression: Compression, records: Buffer): Buffer {
    switch (compression) {
      case 'none':
        return records
      case 'zstd':
        return zstdCompressSync(records, { params: ZSTD, chunkSize: piece(records.length) })
      case 'gzip':
        return gzipSync(records, { level: 1 })
      default:
        return this.#kafka.compressionsAlgorithms[compression].compressSync(records)
    }
  }

  /** @throws Error where the bytes are not what the code says. */
  unpack(code: number, records: Buffer): Buffer {
    switch (code) {
      case CODES.none:
        return records
      case CODES.zstd:
        return zstdDecompressSync(records, { maxOutputLength: MAX_UNPACKED_BYTES, chunkSize: piece(records.length * EXPECTED_RATIO) })
      case CODES.gzip:
        return gunzipSync(records, { maxOutputLength: MAX_UNPACKED_BYTES })
      case CODES.snappy:
        return this.#kafka.compressionsAlgorithms.snappy.decompressSync(records)
      case CODES.lz4:
        return this.#kafka.compressionsAlgorithms.lz4.decompressSync(records)
      default:
        throw new Error(`there is no compression ${code}`)
    }
  }
}

function piece(expectedBytes: number): number {
  return Math.min(MAX_PIECE_BYTES, Math.max(MIN_PIECE_BYTES, expectedBytes))
}
