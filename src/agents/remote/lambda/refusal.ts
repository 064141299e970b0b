import { MillraceError } from '../../../errors.ts'
import { Away } from '../service.ts'

/** What of a foreign error is looked at. The SDK's own classes are not needed for that, and so not loaded. */
interface Foreign extends Error {
  readonly code?: unknown
  readonly retryAfterSeconds?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
}

/** What Lambda says of a request that is too large: its own limit, and the one of what stands before it. */
const TOO_LARGE: ReadonlySet<string> = new Set(['RequestTooLargeException', 'RequestEntityTooLargeException'])

const FIXES: Readonly<Record<string, string>> = {
  AccessDeniedException: 'Grant lambda:InvokeFunction on the function.',
  CredentialsProviderError:
    'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, give this machine a role, or pass credentials.',
  ExpiredTokenException: 'Renew the session token.',
  InvalidSignatureException: 'Correct the access key and its secret, and set the clock of this machine.',
  ResourceNotFoundException: 'Create the function, or correct its name, its qualifier or the region.',
  TooManyRequestsException: 'Raise the concurrency that is reserved for the function, or lower requests.',
  UnrecognizedClientException: 'Correct the access key and its secret (credentials, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY).',
}

/**
 * What it means that a function was not invoked. Nearly all of it is nobody's fault among the data: throttling, rights, a function that
 * is not there or not ready, AWS away.
 * @param place as messages begin: `The function mood of mood@1`.
 */
export function refusal(error: unknown, place: string): unknown {
  if (!(error instanceof Error) || error instanceof Away) return error
  if (error instanceof MillraceError) return new Away(error)
  // Any error may have these or not; each is checked where it is read.
  const foreign = error as Foreign
  if (error.message === 'Region is missing')
    return new Away(
      new MillraceError('REMOTE_UNAVAILABLE', `${place} has no region.`, { fix: 'Set region, or AWS_REGION in the environment.' }),
    )
  const status = foreign.$metadata?.httpStatusCode
  const what = `${place} is not invoked (${error.name}${status === undefined ? '' : `, status ${status}`}): ${said(foreign)}.`
  if (TOO_LARGE.has(error.name) || status === 413) {
    return new MillraceError('BODY_TOO_LARGE', what, { fix: 'Keep such data elsewhere and send what they are called there.' })
  }
  // A mistake of our own, or a body that Lambda does not take for JSON.
  if (status === undefined && !isOfNetwork(foreign)) return error
  if (error.name === 'InvalidRequestContentException') return new MillraceError('REMOTE_BROKEN', what)
  const fix = FIXES[error.name]
  const why = new MillraceError('REMOTE_UNAVAILABLE', what, { ...(fix === undefined ? {} : { fix }), cause: bare(foreign) })
  return new Away(why, { afterMs: retryAfterMs(foreign), unsure: isBrokenOff(foreign) })
}

function isOfNetwork({ name, code }: Foreign): boolean {
  return (
    name === 'TimeoutError' ||
    name === 'CredentialsProviderError' ||
    (typeof code === 'string' && !/^ERR_(?!TLS|SSL|STREAM_PREMATURE)/.test(code))
  )
}

/** A connection that ends before the reply: a way that is bad, or one on which nothing may be silent for as long as this datum takes. */
function isBrokenOff({ code }: Foreign): boolean {
  return code === 'ECONNRESET' || code === 'EPIPE'
}

function retryAfterMs({ retryAfterSeconds }: Foreign): number | undefined {
  const seconds = Number(retryAfterSeconds ?? Number.NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined
}

function said(error: Foreign): string {
  const [line = ''] = error.message.split('\n')
  return (line === '' ? String(error.code ?? error.name) : line).replace(/\.$/, '')
}

/** The foreign error itself has the request on it, whose headers hold a session token: only what it says goes on. */
function bare(error: Foreign): Error {
  return Object.assign(new Error(error.message), { name: error.name })
}
