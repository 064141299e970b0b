import { inspect } from 'node:util'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { MillraceError } from '../../../src/errors.ts'
import { refusal } from '../../../src/storage/adapters/s3/refusal.ts'

const of = (more: object, message = 'as the test says') => refusal(Object.assign(new Error(message), more), 'PutObject of a', 's3://lake/')

const GIVEN_OUT = ['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', 'AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_WEB_IDENTITY_TOKEN_FILE']

describe('an error of the SDK', () => {
  it('that is a mistake of the program stays what it is: no waiting mends it', () => {
    for (const error of [
      new TypeError('x is not a function'),
      Object.assign(new Error('wrong'), { code: 'ERR_INVALID_ARG_TYPE' }),
      new MillraceError('LOG_CORRUPT', 'x'),
    ])
      expect(refusal(error, 'PutObject of a', 's3://lake/')).toBe(error)
  })

  it.each([
    [{ code: 'ECONNREFUSED' }, 'Check that it runs'],
    [{ code: 'EAI_AGAIN' }, 'mend the name service'],
    [{ code: 'SELF_SIGNED_CERT_IN_CHAIN' }, 'NODE_EXTRA_CA_CERTS'],
    [{ code: 'ERR_TLS_CERT_ALTNAME_INVALID' }, 'NODE_EXTRA_CA_CERTS'],
    [{ code: 'ERR_STREAM_PREMATURE_CLOSE' }, 'Check that it runs'],
    [{ name: 'TimeoutError' }, 'Check that it runs'],
    [{ name: 'IDPCommunicationError', $metadata: { httpStatusCode: 400 } }, 'web identity'],
    [{ name: 'ExpiredToken', $metadata: { httpStatusCode: 400 } }, 'Renew the session token.'],
  ])('that may pass is STORE_UNAVAILABLE: %j', (more, fix) => {
    expect(of(more)).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true, fix: expect.stringContaining(fix) })
  })

  describe('without credentials', () => {
    afterEach(() => void vi.unstubAllEnvs())
    const error = () => Object.assign(new Error('Could not load credentials from any providers'), { name: 'CredentialsProviderError' })

    it('is for a person where nothing says that there should be any', () => {
      for (const name of GIVEN_OUT) vi.stubEnv(name, '')
      expect(refusal(error(), 'ListObjectsV2', 's3://lake/')).toMatchObject({
        code: 'STORE_DENIED',
        fix: expect.stringContaining('AWS_PROFILE'),
      })
    })

    it('may pass where requests were answered before', () => {
      expect(refusal(error(), 'ListObjectsV2', 's3://lake/', true)).toMatchObject({ code: 'STORE_UNAVAILABLE', retryable: true })
    })

    it.each(GIVEN_OUT)('may pass where the platform gives them out: %s', name => {
      vi.stubEnv(name, '/set')
      expect(refusal(error(), 'ListObjectsV2', 's3://lake/')).toMatchObject({
        code: 'STORE_UNAVAILABLE',
        message: expect.stringContaining('cannot be had now'),
      })
    })
  })

  it('says where, what was refused, and by which of its names a support desk finds it', () => {
    expect(of({ name: 'InvalidStorageClass', RequestId: 'R1', $metadata: { httpStatusCode: 400 } }, 'No such class.\nmore')).toMatchObject({
      code: 'STORE_DENIED',
      message:
        's3://lake/ refuses PutObject of a (InvalidStorageClass, status 400, request R1): No such class. Correct storageClass, or leave it out.',
    })
  })

  it('hands on nothing of the request, whose headers hold secrets', () => {
    const $response = { headers: {}, request: { headers: { 'x-amz-security-token': 'the-token' } } }
    expect(inspect(of({ $response, $metadata: { httpStatusCode: 403 } }), { depth: 10 })).not.toContain('the-token')
  })
})
