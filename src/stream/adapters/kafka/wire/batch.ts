/*
 * A record batch, format 2 (https://kafka.apache.org/documentation/#recordbatch). Big-endian:
 *
 *    0  i64  offset of its first record        43  i64  producer id
 *    8  i32  bytes that follow this field      51  i16  producer epoch
 *   12  i32  leader epoch                      53  i32  sequence of its first record
 *   16  i8   magic, 2                          57  i32  number of records
 *   17  u32  CRC-32C of all that follows       61       records, packed as the attributes say
 *   21  i16  attributes
 *   23  i32  offset of its last record, from the first
 *   27  i64  timestamp of its first record
 *   35  i64  its greatest timestamp
 */
export const BATCH_HEADER_BYTES = 61
/** Bytes before what the length field counts. */
export const BATCH_PREFIX_BYTES = 12
export const MAGIC = 2
export const AT = {
  length: 8,
  epoch: 12,
  magic: 16,
  crc: 17,
  attributes: 21,
  last: 23,
  timestamp: 27,
  maxTimestamp: 35,
  producer: 43,
  producerEpoch: 51,
  sequence: 53,
  count: 57,
} as const
export const COMPRESSION_MASK = 0b111
export const LOG_APPEND_TIME = 1 << 3
export const TRANSACTIONAL = 1 << 4
export const CONTROL = 1 << 5

/** Offsets and timestamps are 64 bits on the wire and below 2^53 in practice; two halves are cheaper than a bigint. */
export function readLong(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * 0x1_0000_0000 + bytes.readUInt32BE(at + 4)
}

export function writeLong(target: Buffer, at: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  target.writeInt32BE(high, at)
  target.writeUInt32BE(value - high * 0x1_0000_0000, at + 4)
}
