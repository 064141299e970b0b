import { MillraceError } from '../errors.ts'

/**
 * Thrown by a handler when it is not the datum that is at fault but something that the handler needs, such as a database that is away. The
 * datum's partition waits and the datum is tried again with backoff for as long as that takes; no attempt counts, and nothing goes to the dead
 * letters. `millrace agents` says what is waited for.
 */
export class Blocked extends Error {
  override readonly name = 'Blocked'
  /** What is waited for, as in `blocked on the price service`. */
  readonly on: string

  /** @param on names it for people: `'the price service'`. */
  constructor(on: string, options: { readonly cause?: unknown } = {}) {
    super(`blocked on ${on}${options.cause === undefined ? '' : `: ${messageOf(options.cause)}`}`, options)
    this.on = on
  }
}

/** What the network says where a service does not answer, whatever it is asked (Node's and undici's codes). */
const AWAY: ReadonlySet<unknown> = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'EHOSTDOWN', 'ENETUNREACH', 'ENETDOWN'],
  ...['ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT', 'UND_ERR_SOCKET'],
])
/** `fetch failed` has what the network said as its cause; what a client wraps around it is seldom deeper. */
const MOST_CAUSES = 5

/**
 * Why a handler's error is no failure of its datum, or undefined where it is one. What the network says counts as such wherever it stands among
 * the causes, unless the error says by `retryable: false` that trying again does not help.
 */
export function blockedOn(error: unknown): string | undefined {
  let cause = error
  for (let depth = 0; depth < MOST_CAUSES && isObject(cause); depth++) {
    if (cause instanceof Blocked) return cause.message
    // One of ours has been told what it is where it was raised, whatever its cause: a program that a datum has ended breaks its connection, too.
    if (cause.retryable === false || cause instanceof MillraceError) return undefined
    if (AWAY.has(cause.code)) return `blocked on the network: ${messageOf(cause)}`
    cause = cause.cause ?? (Array.isArray(cause.errors) ? cause.errors[0] : undefined)
  }
  return undefined
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null
}

/** An AggregateError of all addresses that were tried has no message of its own. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.message !== '' ? error.message : 'code' in error ? String(error.code) : error.name
}
