/** An access key, or what gives one whenever it is asked, as the AWS SDK's credential providers do. */
export type Credentials =
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  | (() => Promise<{ accessKeyId: string; secretAccessKey: string; sessionToken?: string; expiration?: Date }>)

/** Which bucket, and how to get there. */
export interface PlaceOptions {
  readonly bucket: string
  /** What all keys begin with, such as `'lake/'`; a `/` at its end is added where it lacks. Default: nothing. */
  readonly prefix?: string
  /** Default: the environment's (`AWS_REGION`, the profile); with an `endpoint`, `'us-east-1'` where that says none. */
  readonly region?: string
  /** The URL of a service that speaks S3, such as `'http://minio:9000'`. Default: AWS, or what `AWS_ENDPOINT_URL_S3` says. */
  readonly endpoint?: string
  /** The bucket's name in the path, not in the host's name. Default: true with an `endpoint`. */
  readonly forcePathStyle?: boolean
  /** Default: the environment's, as all of AWS's tools find them: variables, profiles, the roles of containers and machines. */
  readonly credentials?: Credentials
}

export interface Place {
  readonly bucket: string
  /** Empty, or ending in `/`. */
  readonly prefix: string
  readonly region: string | undefined
  readonly endpoint: string | undefined
  readonly forcePathStyle: boolean
  readonly credentials: Credentials | undefined
  /** For people: `s3://bucket/prefix/`, with the endpoint where one is given. */
  readonly name: string
}

/** Keys have 1,024 bytes; the longest path below a prefix takes about 500. */
const MOST_PREFIX_BYTES = 400

/** @throws TypeError where an option is wrong. */
export function placeOf(options: PlaceOptions): Place {
  const bucket = options?.bucket
  if (typeof bucket !== 'string' || bucket === '') throw new TypeError("s3(…) needs a bucket, such as s3({ bucket: 'lake' }).")
  const say = `s3('${bucket}')`
  // The name goes into URLs; an access point's ARN has a slash of its own.
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]*$/.test(bucket) && !bucket.startsWith('arn:'))
    throw new TypeError(`${say} names no bucket: give its name alone, without s3:// and without a path. A path belongs in prefix.`)
  const prefix = prefixOf(options.prefix ?? '', say)
  const endpoint = options.endpoint === undefined ? undefined : endpointOf(options.endpoint, say)
  return {
    bucket,
    prefix,
    endpoint,
    region: options.region ?? (endpoint === undefined ? undefined : (process.env.AWS_REGION ?? 'us-east-1')),
    forcePathStyle: options.forcePathStyle ?? endpoint !== undefined,
    credentials: options.credentials,
    name: `s3://${bucket}/${prefix}${endpoint === undefined ? '' : ` at ${endpoint}`}`,
  }
}

function prefixOf(given: string, say: string): string {
  const prefix = given === '' || given.endsWith('/') ? given : `${given}/`
  const segments = prefix.split('/').slice(0, -1)
  // Gateways that keep objects as files refuse such segments, or would take them for other folders.
  if (segments.some(segment => segment === '' || segment === '.' || segment === '..') || hasControl(prefix))
    throw new TypeError(`${say} prefix is ${JSON.stringify(given)}: it must be names joined by '/', such as 'lake/raw/'.`)
  if (Buffer.byteLength(prefix) > MOST_PREFIX_BYTES)
    throw new TypeError(`${say} prefix has ${Buffer.byteLength(prefix)} bytes: it may have ${MOST_PREFIX_BYTES}.`)
  return prefix
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20 || text.charCodeAt(i) === 0x7f) return true
  return false
}

function endpointOf(given: string, say: string): string {
  const url = URL.parse(given)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw new TypeError(`${say} endpoint must be a URL that begins with http:// or https://.`)
  // It would be shown wherever the store is named. So the text is not repeated here either.
  if (url.username !== '' || url.password !== '') throw new TypeError(`${say} endpoint holds a password: give it as credentials.`)
  return url.href.replace(/\/$/, '')
}
