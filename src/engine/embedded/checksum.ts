import { crc32 } from 'node:zlib'

const head = Buffer.alloc(24)

/** CRC-32 of a log row: its position is covered too, so that a damaged number is found like a damaged byte. */
export function rowChecksum(place: number, first: number, count: number, frames: Uint8Array): number {
  head.writeDoubleLE(place, 0)
  head.writeDoubleLE(first, 8)
  head.writeDoubleLE(count, 16)
  return crc32(frames, crc32(head))
}
