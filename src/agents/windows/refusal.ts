import { type ErrorCode, MillraceError } from '../../errors.ts'
import { sayTime } from './event-time.ts'

/** Why a datum is in none of its windows, or in some of them alone. Such a datum moves no watermark and closes nothing. */
export interface Refusal {
  readonly code: ErrorCode & ('WINDOW_CLOSED' | 'WINDOW_FULL' | 'CREATED_AHEAD')
  readonly what: string
  readonly fix: string
}

/** @param madeMs when the datum's id was made. */
export function ahead(maxAheadMs: number, createdMs: number, madeMs: number): Refusal {
  return {
    code: 'CREATED_AHEAD',
    what: `The datum says that it was created at ${sayTime(createdMs)}, ${createdMs - madeMs} ms after its id was made.`,
    fix: `Set the producer's clock, or believe more than ${maxAheadMs} ms: { maxAhead: '1d' }.`,
  }
}

/** A dead letter that is put again: what windows hold is made of the topic's own log, where a datum stands once. */
export const PUT_AGAIN: Refusal = {
  code: 'WINDOW_CLOSED',
  what: 'A datum that is put again is in no window: windows are made of the topic’s own log.',
  fix: 'Send it to its topic as a new datum, or name a topic for late data: tumbling("1h", { late: lateDemand }).',
}

export function refused({ code, what, fix }: Refusal): MillraceError {
  return new MillraceError(code, what, { fix })
}
