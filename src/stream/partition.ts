import { ID_BYTES } from '../envelope/data-id.ts'

const scratch = Buffer.allocUnsafe(65_536)

/**
 * The partition of a keyed datum: murmur2 of the key's UTF-8, as Apache Kafka's default partitioner
 * (org.apache.kafka.common.utils.Utils#murmur2), so that any Kafka producer agrees on where a key belongs.
 */
export function partitionOfKey(key: string, partitions: number): number {
  const length = scratch.write(key, 0, 'utf8')
  return (murmur2(scratch, length) & 0x7fffffff) % partitions
}

/** The partition of a datum without a key: by its id, so that copies meet. The last four bytes are random or a hash in every kind of id. */
export function partitionOfId(id: Uint8Array, at: number, partitions: number): number {
  const tail = at + ID_BYTES - 4
  return (((id[tail]! << 24) | (id[tail + 1]! << 16) | (id[tail + 2]! << 8) | id[tail + 3]!) >>> 0) % partitions
}

function murmur2(data: Uint8Array, length: number): number {
  const m = 0x5bd1e995
  let h = 0x9747b28c ^ length
  let at = 0
  for (; at + 4 <= length; at += 4) {
    let k = data[at]! | (data[at + 1]! << 8) | (data[at + 2]! << 16) | (data[at + 3]! << 24)
    k = Math.imul(k, m)
    k ^= k >>> 24
    h = Math.imul(h, m) ^ Math.imul(k, m)
  }
  const rest = length - at
  if (rest >= 3) h ^= data[at + 2]! << 16
  if (rest >= 2) h ^= data[at + 1]! << 8
  if (rest >= 1) h = Math.imul(h ^ data[at]!, m)
  h ^= h >>> 13
  h = Math.imul(h, m)
  return h ^ (h >>> 15)
}
