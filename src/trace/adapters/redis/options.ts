import type { ConnectionOptions } from 'node:tls'
import type { Clock } from '../../../clock.ts'

/** Where a Redis is and how the trace is kept in it. */
export interface RedisOptions {
  /** One server; of a cluster or of sentinels some that are mostly there: the others are learnt from them. */
  readonly servers: readonly RedisAddress[]
  /** What the servers are. Default `'single'`. */
  readonly mode?: 'single' | 'sentinel' | 'cluster'
  /** With sentinels: the name under which they know the master. */
  readonly master?: string
  readonly username?: string
  readonly password?: string
  /** Where the sentinels ask for another password than the master, or for one at all. */
  readonly sentinelPassword?: string
  /** Default 0, the only one that a cluster has. */
  readonly database?: number
  /** TLS, and with which certificates. */
  readonly tls?: Pick<ConnectionOptions, 'ca' | 'cert' | 'key' | 'servername'>
  /** Before every key. Default `millrace:`. Pipelines that share a Redis need one each. */
  readonly prefix?: string
  /** How long a datum's trace is kept. Default 24 h. */
  readonly ttlMs?: number
  /** How long ids that producers gave are remembered. Default 7 days. */
  readonly idTtlMs?: number
  /**
   * `'readable'`: a hash for each datum, which agents in any language read and write. `'packed'`: a tenth of the memory, states alone
   * (docs/redis.md). Default `'readable'`.
   */
  readonly layout?: 'readable' | 'packed'
  /** After which a call fails as TRACE_UNAVAILABLE. Default 5 s. */
  readonly timeoutMs?: number
  /** Told, in a sentence each, of what is set otherwise than a trace should be. */
  readonly warn?: (text: string) => void
  readonly clock?: Clock
}

export interface RedisAddress {
  readonly host: string
  readonly port: number
}
