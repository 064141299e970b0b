import type { RecordBatch } from '../../../src/stream/stream.ts'
import { batchesOf, HOUR_MS, NOON_MS } from '../batches.ts'

export const DATUM_BYTES = 4_000

/** Data of 4 kB, 3 of 4 in one hour and the others in the hour before: a large file and a small one. */
export function largeBatches(count: number): RecordBatch[] {
  return batchesOf(count, i => ({
    createdMs: NOON_MS - (i % 4 === 0 ? HOUR_MS : 0),
    data: { station: 'x'.repeat(DATUM_BYTES), megawatts: i },
  }))
}
