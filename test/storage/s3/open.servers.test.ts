import { inspect } from 'node:util'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { isMillraceError } from '../../../src/errors.ts'
import type { S3Options } from '../../../src/storage/adapters/s3/index.ts'
import type { Limits } from '../../../src/storage/adapters/s3/limits.ts'
import { testBucket } from './buckets.ts'
import { type Fate, S3Proxy } from './proxy.ts'

const SECRET = 'not-the-secret-0123456789'

/** The error with which opening fails, or undefined. */
async function openingError(more: Partial<S3Options>, limits: Partial<Limits> = {}) {
  const bucket = await testBucket()
  try {
    const writer = await bucket.store(more, limits).open(systemClock)
    await writer.close()
    return undefined
  } catch (error) {
    if (!isMillraceError(error)) throw error
    return error
  }
}

describe('opening a bucket', () => {
  it('leaves nothing in it', async () => {
    const bucket = await testBucket()
    const writer = await bucket.store().open(systemClock)
    await writer.close()
    expect(await bucket.keys()).toEqual([])
    expect(await bucket.uploads()).toEqual([])
  })

  it('says that there is no such bucket', async () => {
    const error = await openingError({ bucket: 'no-such-bucket' })
    expect(error).toMatchObject({ code: 'STORE_DENIED', fix: expect.stringContaining('Create the bucket') })
    expect(error?.message).toMatch(/^s3:\/\/no-such-bucket\/ at http:\S+ refuses ListObjectsV2 \(NoSuchBucket, status 404/)
  })

  it('says that the secret is wrong, and shows neither it nor a session token', async () => {
    const error = await openingError({
      credentials: { accessKeyId: 'millrace', secretAccessKey: SECRET, sessionToken: 'the-token-of-a-session' },
    })
    expect(error).toMatchObject({ code: 'STORE_DENIED', fix: expect.stringContaining('secret') })
    expect(inspect(error, { depth: 10, showHidden: true })).not.toMatch(/not-the-secret|the-token-of/)
  })

  it('says that the access key is unknown', async () => {
    const error = await openingError({ credentials: { accessKeyId: 'nobody', secretAccessKey: SECRET } })
    expect(error).toMatchObject({ code: 'STORE_DENIED', fix: expect.stringContaining('Correct the access key') })
  })

  it('says which region the bucket is in', async () => {
    const error = await openingError({ region: 'eu-west-9' })
    expect(error).toMatchObject({ code: 'STORE_DENIED', fix: "Set region to 'us-east-1'." })
  })

  it('says that there are no credentials', async () => {
    const credentials = async () => {
      throw Object.assign(new Error('Could not load credentials from any providers'), { name: 'CredentialsProviderError' })
    }
    expect(await openingError({ credentials })).toMatchObject({ code: 'STORE_DENIED', fix: expect.stringContaining('AWS_PROFILE') })
  })

  const answers: [string, (path: string) => Fate, object][] = [
    [
      'may not list',
      () => ({ status: 403, code: 'AccessDenied' }),
      { code: 'STORE_DENIED', message: expect.stringContaining('refuses ListObjectsV2'), fix: expect.stringContaining('s3:ListBucket') },
    ],
    [
      'may read and not write',
      path => (path.includes('uploads') ? { status: 403, code: 'AccessDenied' } : 'through'),
      {
        code: 'STORE_DENIED',
        message: expect.stringContaining('refuses CreateMultipartUpload'),
        fix: expect.stringContaining('s3:PutObject'),
      },
    ],
    [
      'is sent to another region',
      () => ({ status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'eu-central-1' } }),
      { code: 'STORE_DENIED', fix: "Set region to 'eu-central-1'." },
    ],
    [
      'finds another kind of server',
      () => ({ status: 200 }),
      { code: 'STORE_DENIED', message: expect.stringContaining('does not speak S3') },
    ],
    ['finds it failing', () => ({ status: 500, code: 'InternalError' }), { code: 'STORE_UNAVAILABLE' }],
    ['finds it breaking connections', () => 'broken', { code: 'STORE_UNAVAILABLE', message: expect.stringContaining('cannot be reached') }],
  ]
  it.each(answers)('says so where it %s', async (_, fate, expected) => {
    const proxy = await S3Proxy.start()
    proxy.fate = ({ url }) => fate(url ?? '')
    expect(await openingError({ endpoint: proxy.endpoint })).toMatchObject(expected)
  })

  it('gives up on a server that does not answer', async () => {
    const proxy = await S3Proxy.start()
    proxy.fate = () => 'silence'
    const error = await openingError({ endpoint: proxy.endpoint }, { openMs: 300 })
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('did not answer within 0.3 s') })
  })

  it('says that nothing listens', async () => {
    const error = await openingError({ endpoint: 'http://127.0.0.1:1' })
    expect(error).toMatchObject({ code: 'STORE_UNAVAILABLE', message: expect.stringContaining('ECONNREFUSED'), retryable: true })
  })
})
