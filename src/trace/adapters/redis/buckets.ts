import { ID_BYTES, idTimeMs } from '../../../envelope/data-id.ts'
import type { Keys } from './keys.ts'
import { CALL_DATA } from './layout.ts'
import { DATUM_BYTES, FIELD_BYTES } from './packed-scripts.ts'

/**
 * 256 ms are cut into so many buckets: at 10,000 data a second 40 are in each, at 100,000 still fewer than Redis keeps in one piece (512).
 * The same for all, for ever: it decides where a mark is.
 */
const SHARDS = 64
/** The id's first bytes, which the bucket's name holds: the time, in steps of 256 ms. */
const TIME_BYTES = ID_BYTES - FIELD_BYTES
/** Times that an id may hold; noise, as a random id has there, mostly lies outside. For ever too. */
const FROM_MS = Date.UTC(2015, 0, 1)
const TO_MS = Date.UTC(2100, 0, 1)

/** Data of one bucket that go into one call. */
interface Part {
  /** Any of its rows: their bucket is the same. */
  readonly row: number
  readonly rows: readonly number[]
}

/** One script's call over several buckets of one group. */
export interface BucketCall {
  readonly group: number
  readonly parts: readonly Part[]
  /** Of all parts, in their order. */
  readonly rows: readonly number[]
}

/** Whether an id holds its time: it is then beside those of its time. Others would each have a bucket of their own. */
export function isPackable(ids: Uint8Array, at: number): boolean {
  const version = ids[at + 6]! >> 4
  if (version !== 7 && version !== 8) return false
  const timeMs = idTimeMs(ids, at)
  return timeMs >= FROM_MS && timeMs < TO_MS
}

export function bucketKey(keys: Keys, agent: string, ids: Buffer, row: number): string {
  const at = row * ID_BYTES
  const shard = shardOf(ids, at)
  return keys.bucket(agent, ids.toString('hex', at, at + TIME_BYTES), shard, keys.groupOf(shard))
}

export function groupOf(keys: Keys, ids: Uint8Array, row: number): number {
  return keys.groupOf(shardOf(ids, row * ID_BYTES))
}

/** Shares rows out over calls: bucket by bucket, so many data in each at most. Rows keep their order within a bucket. */
export function bucketCalls(keys: Keys, ids: Buffer, rows: readonly number[]): BucketCall[] {
  const buckets = new Map<number, number[]>()
  for (const row of rows) {
    const at = row * ID_BYTES
    const bucket = (ids[at]! * 0x1_0000_0000 + ids.readUInt32BE(at + 1)) * SHARDS + shardOf(ids, at)
    const of = buckets.get(bucket)
    if (of === undefined) buckets.set(bucket, [row])
    else of.push(row)
  }
  const open = new Map<number, { group: number; parts: Part[]; rows: number[] }>()
  const calls: BucketCall[] = []
  for (const all of buckets.values()) {
    // Every bucket was made for a row.
    const group = groupOf(keys, ids, all[0]!)
    for (let from = 0; from < all.length; from += CALL_DATA) {
      const of = all.slice(from, from + CALL_DATA)
      let call = open.get(group)
      if (call === undefined || call.rows.length + of.length > CALL_DATA) {
        call = { group, parts: [], rows: [] }
        open.set(group, call)
        calls.push(call)
      }
      call.parts.push({ row: of[0]!, rows: of })
      for (const row of of) call.rows.push(row)
    }
  }
  return calls
}

/** The data of a call as its script reads them. @param offsets by row. */
export function packData(ids: Buffer, rows: readonly number[], offsets: (row: number) => number, place: number): Buffer {
  const data = Buffer.allocUnsafe(rows.length * DATUM_BYTES)
  let to = 0
  for (const row of rows) {
    const from = row * ID_BYTES + TIME_BYTES
    for (let i = 0; i < FIELD_BYTES; i++) data[to + i] = ids[from + i]!
    data.writeUInt16BE(positionHash(place, offsets(row)), to + FIELD_BYTES)
    to += DATUM_BYTES
  }
  return data
}

export function fieldBytes(id: Buffer): Buffer {
  return id.subarray(TIME_BYTES)
}

/** FNV-1a of a place, which {@link positionHash} goes on from. */
export function placeHash(topic: string, partition: number): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(`${topic}/${partition}`)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash
}

/**
 * Tells a datum's own position from a copy's. Where two meet in it, once in 65,536, a copy is counted as done in place of as a duplicate,
 * and skipped all the same.
 */
export function positionHash(place: number, offset: number): number {
  const mixed = Math.imul(place ^ (offset % 0x1_0000_0000), 0x9e3779b1) ^ Math.floor(offset / 0x1_0000_0000)
  return Math.imul(mixed ^ (mixed >>> 15), 0x85ebca6b) >>> 16
}

/** Bits that are random, or a count of its maker's, in every kind of id that is packable. */
function shardOf(ids: Uint8Array, at: number): number {
  return ids[at + 7]! % SHARDS
}
