import { MillraceError } from '../../../errors.ts'
import type { SharedTrace } from '../../trace.ts'
import { Connection } from './connection.ts'
import { warnOfEviction } from './eviction.ts'
import { Keys } from './keys.ts'
import type { RedisOptions } from './options.ts'
import { Owners } from './owners.ts'
import { PackedLayout } from './packed.ts'
import { ReadableLayout } from './readable.ts'
import { RedisTrace } from './redis-trace.ts'

const PREFIX = 'millrace:'
const TTL_MS = 86_400_000
const ID_TTL_MS = 7 * 86_400_000

/**
 * Opens the trace in a Redis (tested with 7.0), on its own, as a cluster, or behind sentinels.
 * @throws TRACE_UNAVAILABLE: nothing answers there in time.
 * @throws TRACE_DENIED: the password, the user's rights, or the certificate.
 * @throws CONFIG_INVALID, CLIENT_MISSING
 */
export async function openRedis(options: RedisOptions): Promise<SharedTrace> {
  const { prefix = PREFIX, ttlMs = TTL_MS, idTtlMs = ID_TTL_MS, layout: kind = 'readable', warn } = options
  check(options)
  const clustered = options.mode === 'cluster'
  if (clustered && /[{}]/.test(prefix)) {
    throw new MillraceError('CONFIG_INVALID', `The prefix '${prefix}' has a brace, by which a cluster would choose where keys lie.`, {
      fix: 'Choose a prefix without { and }.',
    })
  }
  const connection = await Connection.open(options)
  try {
    if (warn !== undefined) await warnOfEviction(connection, warn)
    const keys = new Keys(prefix, clustered)
    const owners = new Owners(connection, keys, idTtlMs)
    const readable = new ReadableLayout(connection, keys, owners, ttlMs)
    const layout = kind === 'readable' ? readable : new PackedLayout(connection, keys, owners, readable, ttlMs)
    return new RedisTrace(connection, keys, layout, owners)
  } catch (error) {
    await connection.close()
    throw error
  }
}

function check({ servers, mode, master, ttlMs, idTtlMs, timeoutMs }: RedisOptions): void {
  if (servers.length === 0) throw new TypeError('openRedis() has no servers; name at least one.')
  if (mode === 'sentinel' && !master) throw new TypeError('openRedis() has sentinels and no master; name the one that they know.')
  for (const [name, ms] of Object.entries({ ttlMs, idTtlMs, timeoutMs })) {
    if (ms !== undefined && !(Number.isSafeInteger(ms) && ms > 0)) {
      throw new TypeError(`openRedis() has ${name}: ${ms}; it must be a whole number of milliseconds above 0.`)
    }
  }
}
