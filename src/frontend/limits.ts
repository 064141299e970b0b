import { MillraceError } from '../errors.ts'

/**
 * What the front end takes at most. Everything beyond is refused with the code beside it, so that one producer can neither
 * fill the memory nor hold the others up. Sizes are bytes, times milliseconds.
 */
export interface Limits {
  /** A request's body as it travels, compressed or not. BODY_TOO_LARGE (413). */
  readonly bodyBytes: number
  /** A request's body after decompression. BODY_TOO_LARGE (413). */
  readonly decompressedBytes: number
  /** How many times its size a compressed body may grow; judged beyond 1,000,000 bytes. BODY_TOO_LARGE (413). */
  readonly decompressionRatio: number
  /** One line of NDJSON or one element of a JSON array. Only that datum is rejected, with BODY_TOO_LARGE. */
  readonly lineBytes: number
  /** Data in a batch. BODY_TOO_LARGE (413). */
  readonly batchCount: number
  /** How deep arrays and objects may be nested in a datum. Rejected with BODY_MALFORMED. */
  readonly depth: number
  /** How far a datum's `created` may lie ahead of the front end's clock: beyond it windows of time would close. Rejected with DATUM_INVALID. */
  readonly createdAheadMs: number
  /** All headers of a request together. HEADER_INVALID (431). */
  readonly headerBytes: number
  /** Headers of a request. HEADER_INVALID (431). */
  readonly headerCount: number
  /** From a connection's first moment, or the first byte of its next request, to the end of the headers. SLOW_REQUEST (408). */
  readonly headerTimeoutMs: number
  /** From a request's first byte to its last. SLOW_REQUEST (408). */
  readonly requestTimeoutMs: number
  /** How long a connection may stay open between requests, or with a client that does not read its answer. */
  readonly idleTimeoutMs: number
  /** Open connections. The next one is told OVERLOADED (503) and closed. */
  readonly connections: number
  /** Requests that have begun and are not answered. OVERLOADED (503). */
  readonly inFlightRequests: number
  /** Bytes of bodies that are not answered, decompressed ones besides. OVERLOADED (503). */
  readonly inFlightBytes: number
  /** Data per second that a source may send on average. RATE_LIMITED (429). */
  readonly ratePerSecond: number
  /** Data that a source may send at once after a pause. RATE_LIMITED (429). */
  readonly rateBurst: number
}

export const DEFAULT_LIMITS: Limits = {
  bodyBytes: 16_000_000,
  decompressedBytes: 64_000_000,
  decompressionRatio: 100,
  lineBytes: 1_000_000,
  batchCount: 10_000,
  depth: 64,
  createdAheadMs: 3_600_000,
  headerBytes: 16_384,
  headerCount: 64,
  headerTimeoutMs: 10_000,
  requestTimeoutMs: 60_000,
  idleTimeoutMs: 75_000,
  connections: 10_000,
  inFlightRequests: 10_000,
  inFlightBytes: 256_000_000,
  ratePerSecond: 100_000,
  rateBurst: 200_000,
}

/** Fills in the defaults. @throws CONFIG_INVALID naming the limit that is not a positive number. */
export function completeLimits(given: Partial<Limits> = {}): Limits {
  const limits = { ...DEFAULT_LIMITS, ...given }
  for (const [name, value] of Object.entries(limits)) {
    if (!(name in DEFAULT_LIMITS)) {
      throw new MillraceError('CONFIG_INVALID', `There is no limit '${name}'.`, {
        fix: `The limits are ${Object.keys(DEFAULT_LIMITS).join(', ')}.`,
      })
    }
    if (!(typeof value === 'number' && value > 0 && Number.isFinite(value))) {
      throw new MillraceError('CONFIG_INVALID', `The limit ${name} is ${JSON.stringify(value)}.`, { fix: 'Give it a number above 0.' })
    }
  }
  // Node judges the headers by the shorter of the two, so a longer header timeout would be ignored in silence.
  if (limits.headerTimeoutMs > limits.requestTimeoutMs) {
    throw new MillraceError(
      'CONFIG_INVALID',
      `headerTimeoutMs (${limits.headerTimeoutMs}) is longer than requestTimeoutMs (${limits.requestTimeoutMs}).`,
      { fix: 'A request ends after its headers: raise requestTimeoutMs, or lower headerTimeoutMs.' },
    )
  }
  return limits
}
