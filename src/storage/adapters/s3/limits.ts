import { MOST_READ_BYTES } from '../../formats/row-of.ts'

/** Every wait and every buffer. */
export interface Limits {
  /** For all that opening asks of the bucket, together. */
  readonly openMs: number
  readonly connectMs: number
  /** For one request, its answer included. A part of 8 MiB gets through in that time at 140 kB/s. */
  readonly requestMs: number
  /** Of one request, the first included. */
  readonly attempts: number
  /** Larger objects are uploaded in parts of this size. S3 takes no smaller ones than 5 MiB. */
  readonly partBytes: number
  /** Parts of one object, or small objects, under way at once. In memory are so many times `partBytes`, and one part more. */
  readonly atOnce: number
  /** Larger objects are not read to say in which row of them a datum is. */
  readonly readBytes: number
}

const MIB = 1024 * 1024

export const LIMITS: Limits = {
  openMs: 10_000,
  connectMs: 5_000,
  requestMs: 60_000,
  attempts: 3,
  partBytes: 8 * MIB,
  atOnce: 6,
  readBytes: MOST_READ_BYTES,
}
