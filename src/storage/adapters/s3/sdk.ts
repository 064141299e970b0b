import { MillraceError } from '../../../errors.ts'

/** The parts of the AWS SDK that are used. */
export type Sdk = typeof import('@aws-sdk/client-s3') & Pick<typeof import('@aws-sdk/lib-storage'), 'Upload'>

/** @throws CLIENT_MISSING */
export async function loadSdk(): Promise<Sdk> {
  try {
    const [client, { Upload }] = await Promise.all([import('@aws-sdk/client-s3'), import('@aws-sdk/lib-storage')])
    return { ...client, Upload }
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause) || cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new MillraceError('CLIENT_MISSING', 's3(…) needs the AWS SDK, which is not installed whole.', {
      fix: 'Run: npm install @aws-sdk/client-s3 @aws-sdk/lib-storage',
      cause,
    })
  }
}
