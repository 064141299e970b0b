import { inject } from 'vitest'

/** Servers that all tests of a run share. A test keeps to names of its own: topics, keys, schemas and buckets with a random part. */
export interface SharedServers {
  /** `host:port` */
  readonly kafka: string
  /** `redis://host:port` */
  readonly redis: string
  /** `postgres://user:password@host:port/database` */
  readonly postgres: string
  readonly s3: { readonly endpoint: string; readonly region: string; readonly accessKeyId: string; readonly secretAccessKey: string }
}

declare module 'vitest' {
  interface ProvidedContext {
    servers: SharedServers
  }
}

/** Where the shared servers are, in a `*.servers.test.ts` that is run by `npm run test:servers`. */
export function servers(): SharedServers {
  const shared = inject('servers')
  if (shared === undefined) throw new Error('No servers were started. Run this test by: npm run test:servers -- <file>')
  return shared
}
