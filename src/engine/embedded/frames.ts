import { FLAG_SUPPLIED_ID, FRAME_HEADER_BYTES } from '../../envelope/frame.ts'
import { MillraceError } from '../../errors.ts'

const ID_AT = 20

/**
 * Checks that the frames add up to their count before they become durable, and whether any has an id of its producer's.
 * @throws FRAME_CORRUPT
 */
export function inspect(frames: Buffer, count: number): { supplied: boolean } {
  let at = 0
  let flags = 0
  let found = 0
  while (at + FRAME_HEADER_BYTES <= frames.length) {
    flags |= frames[at + 4]!
    // A length below the header's would never get on.
    const length = frames.readUInt32LE(at)
    if (length < FRAME_HEADER_BYTES) break
    at += length
    found++
  }
  if (at !== frames.length || found !== count) {
    throw new MillraceError(
      'FRAME_CORRUPT',
      `A batch of ${frames.length} bytes should hold ${count} frames; ${found} were found in ${at} bytes.`,
    )
  }
  return { supplied: (flags & FLAG_SUPPLIED_ID) !== 0 }
}

/** The indexes of the frames that carry an id, searched as bytes first: most batches do not hold it and are never walked. */
export function framesOf(frames: Uint8Array, id: Buffer): number[] {
  const bytes = Buffer.from(frames.buffer, frames.byteOffset, frames.byteLength)
  if (!bytes.includes(id)) return []
  const found: number[] = []
  for (let at = 0, index = 0; at < bytes.length; at += bytes.readUInt32LE(at), index++) {
    if (bytes.compare(id, 0, id.length, at + ID_AT, at + ID_AT + id.length) === 0) found.push(index)
  }
  return found
}
