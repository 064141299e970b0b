import { MillraceError } from '../../../errors.ts'

/** The part of the AWS SDK that is used. */
export type Sdk = Pick<typeof import('@aws-sdk/client-lambda'), 'LambdaClient' | 'InvokeCommand'>

/** @throws CLIENT_MISSING */
export async function loadSdk(): Promise<Sdk> {
  try {
    return await import('@aws-sdk/client-lambda')
  } catch (cause) {
    if (!(cause instanceof Error) || !('code' in cause) || cause.code !== 'ERR_MODULE_NOT_FOUND') throw cause
    throw new MillraceError('CLIENT_MISSING', 'lambda(…) needs the AWS SDK, which is not installed.', {
      fix: 'Run: npm install @aws-sdk/client-lambda',
      cause,
    })
  }
}
