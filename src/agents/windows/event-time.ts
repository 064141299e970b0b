import { idTimeMs } from '../../envelope/data-id.ts'
import type { FoldedAt } from '../agent.ts'

/**
 * How far the data of one partition have come by their own time, `created`. The watermark lies the lateness behind the newest of them and
 * never goes back: another lateness does not open what is closed. It is made of the log alone, so that it is the same each time it is made.
 */
export class EventTime {
  #watermarkMs: number

  /** @param watermarkMs as it was kept. */
  constructor(watermarkMs = Number.NEGATIVE_INFINITY) {
    this.#watermarkMs = watermarkMs
  }

  /** −Infinity before the first datum. */
  get watermarkMs(): number {
    return this.#watermarkMs
  }

  advance(createdMs: number, latenessMs: number): void {
    this.#watermarkMs = Math.max(this.#watermarkMs, createdMs - latenessMs)
  }
}

/**
 * The time that a datum's id was made, where `created` lies more than `maxAheadMs` beyond it: a clock that is wrong must not close every
 * window. A wall clock would judge otherwise when the fold is built again. An id that carries no time (UUIDv7 does) says nothing, and the
 * datum is believed.
 */
export function aheadOf(maxAheadMs: number, { id, idAt, createdMs }: FoldedAt): number | undefined {
  if (id[idAt + 6]! >> 4 !== TIME_ORDERED) return undefined
  const madeMs = idTimeMs(id, idAt)
  return createdMs - madeMs > maxAheadMs ? madeMs : undefined
}

/** The version of UUIDs that begin with their time. */
const TIME_ORDERED = 7

/** A time as errors say it. Times outside of what a date can be are milliseconds. */
export function sayTime(ms: number): string {
  const date = new Date(ms)
  return Number.isNaN(date.getTime()) ? `${ms} ms` : date.toISOString()
}
