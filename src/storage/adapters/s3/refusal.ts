import { type ErrorCode, MillraceError } from '../../../errors.ts'

/** What of a foreign error is looked at. The SDK's own classes are not needed for that, and so not loaded. */
interface Foreign extends Error {
  readonly code?: unknown
  readonly Region?: unknown
  readonly RequestId?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number }
  readonly $response?: { readonly headers?: Readonly<Record<string, string>> }
}

const KEYS = 'Correct the access key and its secret (credentials, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY).'
const RIGHTS =
  'Grant s3:ListBucket and s3:ListBucketMultipartUploads on the bucket, and s3:PutObject, s3:GetObject, s3:DeleteObject and s3:AbortMultipartUpload on its objects.'
const REGIONS: ReadonlySet<string> = new Set([
  'PermanentRedirect',
  'TemporaryRedirect',
  'AuthorizationHeaderMalformed',
  'IllegalLocationConstraintException',
])

const FIXES: Readonly<Record<string, string>> = {
  NoSuchBucket: 'Create the bucket, or correct its name or the endpoint.',
  InvalidBucketName: 'Correct the name of the bucket.',
  InvalidAccessKeyId: KEYS,
  SignatureDoesNotMatch: KEYS,
  InvalidToken: KEYS,
  XAdminUserNotFound: KEYS,
  CredentialsProviderError:
    'Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, choose a profile with AWS_PROFILE, give this machine a role, or pass credentials.',
  AccessDenied: RIGHTS,
  Forbidden: RIGHTS,
  ExpiredToken: 'Renew the session token.',
  IDPCommunicationError: 'Check that AWS can reach the provider of the role’s web identity.',
  RequestTimeTooSkewed: 'Set the clock of this machine.',
  InvalidStorageClass: 'Correct storageClass, or leave it out.',
}

/** Refusals with a status of 400 and more that pass by themselves, or once a person has renewed what ran out. */
const PASSING: ReadonlySet<string> = new Set([
  'BadDigest',
  'ExpiredToken',
  // The service that an identity is shown to (STS) could not ask the one that gave it.
  'IDPCommunicationError',
  'IncompleteBody',
  'InvalidPart',
  'NoSuchUpload',
  'OperationAborted',
  'RequestTimeout',
  'RequestTimeTooSkewed',
  'Throttling',
  'ThrottlingException',
  'XAmzContentChecksumMismatch',
  'XAmzContentSHA256Mismatch',
])

/** With one of these set, credentials are given out by a service of the platform (ECS, EKS, a web identity), which may be away for a moment. */
const GIVEN_OUT = ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_WEB_IDENTITY_TOKEN_FILE'] as const

/**
 * What S3, or the way to it, refused: STORE_DENIED where only a person can mend it, STORE_UNAVAILABLE where waiting may. Anything that
 * is neither's, such as a mistake of our own, as it is.
 * @param doing the operation and on what, as in `PutObject of lake/x.parquet`.
 * @param hadCredentials a request has been answered before, so that credentials which cannot be had now can be had again.
 */
export function refusal(error: unknown, doing: string, place: string, hadCredentials = false): unknown {
  if (!(error instanceof Error) || error instanceof MillraceError) return error
  // Any error may have these or not; each is checked where it is read.
  const foreign = error as Foreign
  if (error.message === 'Region is missing')
    return raise('CONFIG_INVALID', `${place} has no region.`, 'Set region, or AWS_REGION in the environment.', foreign)
  if (error.name === 'CredentialsProviderError') return withoutCredentials(foreign, place, hadCredentials)
  const status = foreign.$metadata?.httpStatusCode
  if (status !== undefined) return answered(foreign, status, doing, place)
  if (error.name === 'TimeoutError' || isOfNetwork(foreign.code))
    return raise('STORE_UNAVAILABLE', `${place} cannot be reached: ${said(foreign)}.`, fixOfNetwork(foreign.code), foreign)
  return error
}

/** A role's credentials are fetched anew every few hours: a fetch that fails must not end what has worked, nor keep a process from starting. */
function withoutCredentials(error: Foreign, place: string, hadCredentials: boolean): MillraceError {
  if (!hadCredentials && GIVEN_OUT.every(name => !process.env[name]))
    return raise('STORE_DENIED', `There are no credentials for ${place}: ${said(error)}.`, FIXES.CredentialsProviderError, error)
  return raise(
    'STORE_UNAVAILABLE',
    `The credentials for ${place} cannot be had now: ${said(error)}.`,
    'Check that what gives them out (the instance’s or the container’s metadata service, STS) can be reached, and that the role is still there.',
    error,
  )
}

/** S3, or what stands in its place, has answered. */
function answered(error: Foreign, status: number, doing: string, place: string): MillraceError {
  const request = typeof error.RequestId === 'string' ? `, request ${error.RequestId}` : ''
  const what = `${place} refuses ${doing} (${error.name}, status ${status}${request}): ${said(error)}.`
  if (status >= 500 || status === 408 || status === 429 || PASSING.has(error.name))
    return raise('STORE_UNAVAILABLE', what, FIXES[error.name], error)
  if (REGIONS.has(error.name) || status === 301 || status === 307) return raise('STORE_DENIED', what, fixOfRegion(error), error)
  // A page of some other server, which no reader of S3's answers understands.
  if (error.message.includes('XML parse error')) {
    const other = `What answers for ${place} does not speak S3 (status ${status} to ${doing}).`
    return raise('STORE_DENIED', other, 'Correct the endpoint.', error)
  }
  return raise('STORE_DENIED', what, FIXES[error.name] ?? (status === 403 ? RIGHTS : undefined), error)
}

function fixOfRegion(error: Foreign): string {
  const region = error.Region ?? error.$response?.headers?.['x-amz-bucket-region']
  return typeof region === 'string' ? `Set region to '${region}'.` : 'Set region to the one that the bucket is in.'
}

/** Node's own `ERR_…` are mistakes of the program, but for these. */
function isOfNetwork(code: unknown): boolean {
  return typeof code === 'string' && (!code.startsWith('ERR_') || /^ERR_(TLS|SSL|STREAM_PREMATURE_CLOSE)/.test(code))
}

function fixOfNetwork(code: unknown): string {
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'Correct the endpoint or the region, or mend the name service.'
  if (typeof code === 'string' && /CERT|SSL|SELF_SIGNED|ISSUER/.test(code))
    return 'Name the authority that signed its certificate in NODE_EXTRA_CA_CERTS.'
  return 'Check that it runs, and that this machine may connect to it.'
}

/** Its first line, as part of a sentence. A refused connection to several addresses has no message but its code. */
function said(error: Foreign): string {
  const [line = ''] = error.message.split('\n')
  return (line === '' ? String(error.code ?? error.name) : line).replace(/\.$/, '')
}

/** The foreign error itself has the request on it, whose headers hold a session token: only what it says goes on. */
function raise(code: ErrorCode, what: string, fix: string | undefined, error: Foreign): MillraceError {
  const cause = Object.assign(new Error(error.message), { name: error.name })
  return new MillraceError(code, what, fix === undefined ? { cause } : { fix, cause })
}
