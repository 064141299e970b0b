import type { Clock } from '../clock.ts'
import { isMillraceError, type MillraceError } from '../errors.ts'
import { Patience } from '../patience.ts'

const WAITS = { firstMs: 250, longestMs: 30_000 }

/**
 * Tries again for as long as the store is away or the disk is full. Data wait in the stream meanwhile and nothing goes to the dead
 * letters: it is the store that fails, not the data.
 */
export class StorePatience extends Patience<MillraceError> {
  constructor(clock: Clock, held: (error: Error | undefined) => void) {
    super(clock, WAITS, isStoreAway, held)
  }
}

function isStoreAway(error: unknown): error is MillraceError {
  return isMillraceError(error, 'STORE_UNAVAILABLE') || isMillraceError(error, 'DISK_FULL')
}
