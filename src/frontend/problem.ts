import { type ErrorCode, type Issue, MillraceError } from '../errors.ts'
import { SpillFull } from './spill/spill-full.ts'

/** An error as RFC 9457 problem details. `code` is stable; `detail` is for people and may change. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly code: string
  readonly retryable: boolean
  readonly issues?: readonly Issue[]
}

export const PROBLEM_TYPE = 'application/problem+json'

const RETRY_AFTER_SECONDS: { readonly [code in ErrorCode]?: number } = { DISK_FULL: 10, SHUTTING_DOWN: 5, LOG_IN_LIMITED: 60 }
const DEFAULT_RETRY_AFTER_SECONDS = 1

export function problemOf(error: MillraceError, status = error.status): Problem {
  return {
    type: `urn:millrace:problem:${error.code.toLowerCase().replaceAll('_', '-')}`,
    title: error.title,
    status,
    detail: error.message,
    code: error.code,
    retryable: error.retryable,
    ...(error.issues === undefined ? {} : { issues: error.issues }),
  }
}

/** Seconds for Retry-After, or undefined where trying again unchanged is no use. */
export function retryAfterSeconds(error: MillraceError): number | undefined {
  if (error instanceof RateLimited || error instanceof SpillFull) return error.retryAfterSeconds
  if (!error.retryable) return undefined
  return RETRY_AFTER_SECONDS[error.code] ?? DEFAULT_RETRY_AFTER_SECONDS
}

/** RATE_LIMITED, with when the source may send again. */
export class RateLimited extends MillraceError {
  readonly retryAfterSeconds: number

  constructor(source: string, perSecond: number, retryAfterSeconds: number) {
    super('RATE_LIMITED', `The source '${source}' sends more than ${perSecond} data a second.`, {
      fix: `Send again in ${retryAfterSeconds} s, or raise the limit ratePerSecond.`,
    })
    this.retryAfterSeconds = retryAfterSeconds
  }
}

/**
 * What a failed append means to the producer: that the data may not be stored, and that sending again is right. Whatever is
 * not recognised counts as APPEND_UNKNOWN: claiming less could lose a datum, claiming more could promise one that is not there.
 */
export function appendError(error: unknown): MillraceError {
  if (error instanceof MillraceError && error.retryable) {
    // To the producer an engine that failed is a service that is away.
    return error
  }
  return new MillraceError('APPEND_UNKNOWN', 'The engine did not say whether the data were stored.', {
    fix: 'Send again with the same Idempotency-Key or data_id: what is stored already is recognised as a duplicate.',
    cause: error,
  })
}

/** 500 from the engine is 503 to a producer: it is not the producer's request that is wrong. */
export function appendStatus(error: MillraceError): number {
  return error.status === 500 || error.status === 409 ? 503 : error.status
}
