import { MillraceError } from '../../../errors.ts'
import type { RedisOptions } from './options.ts'

export type Argument = string | Buffer
/** What a server answers (RESP 2), texts as strings, or as bytes where that was asked for. */
export type Reply = string | number | null | Buffer | readonly Reply[]

/** The part of the client that is used here, of one server, a cluster or what sentinels point to. */
export interface Link {
  connect(): Promise<unknown>
  /** @param key where the command belongs, of a cluster. @param bytes texts come as bytes. */
  send(key: string, command: readonly Argument[], bytes: boolean): Promise<Reply>
  destroy(): void
}

const BLOB_STRING = 36
const TEXT = {}
const BYTES = { typeMapping: { [BLOB_STRING]: Buffer } }
/** Commands in hand at a time on one connection: the rest of a flood is refused at once, not gathered. */
const MAX_IN_HAND = 2_000
const BACKOFF_MS = { first: 50, most: 2_000 }
const MAX_DOUBLINGS = 6
/** How often sentinels are asked who the master is: a failover that was not announced to us is found out so. */
const SCAN_MS = 1_000

/** Before the attempt after `retries` that failed: doubling, and half of it random so that many do not come at once. */
export function backoffMs(retries: number): number {
  const ms = Math.min(BACKOFF_MS.most, BACKOFF_MS.first * 2 ** Math.min(retries, MAX_DOUBLINGS))
  return ms / 2 + Math.random() * (ms / 2)
}

/**
 * Makes links, unconnected, to what the options name. A link that was connected comes back by itself; one that never was fails, so that
 * whoever opens it hears why.
 * @throws CLIENT_MISSING
 */
export async function linkMaker(options: RedisOptions, timeoutMs: number): Promise<(onError: (error: unknown) => void) => Link> {
  const redis = await client()
  const { servers, username, password, database, tls, sentinelPassword } = options
  return onError => {
    let opened = false
    const socket = {
      connectTimeout: timeoutMs,
      reconnectStrategy: (retries: number) => (opened ? backoffMs(retries) : false),
      ...(tls === undefined ? {} : { ...tls, tls: true as const }),
    }
    const each = {
      ...(username === undefined ? {} : { username }),
      ...(password === undefined ? {} : { password }),
      ...(database === undefined ? {} : { database }),
      // What cannot be sent now is refused now: whoever asks knows better than a queue when to ask again.
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_IN_HAND,
    }
    // The oldest protocol: every server and every proxy before one speaks it. No timer of the client's for each command: a call has one.
    const common = { RESP: 2 as const, commandOptions: { timeout: 0 } }
    const connected = async (connecting: Promise<unknown>) => {
      await connecting
      opened = true
    }
    if (options.mode === 'cluster') {
      const cluster = redis.createCluster({
        ...common,
        rootNodes: servers.map(server => ({ socket: { ...socket, ...server } })),
        defaults: { ...each, socket },
      })
      cluster.on('error', onError)
      return {
        connect: () => connected(cluster.connect()),
        // The reply's type depends on the command, which the client does not know: RESP 2 has these alone.
        send: (key, command, bytes) => cluster.sendCommand(key, false, [...command], bytes ? BYTES : TEXT) as Promise<Reply>,
        destroy: () => cluster.destroy(),
      }
    }
    if (options.mode === 'sentinel') {
      const sentinel = redis.createSentinel({
        ...common,
        name: options.master ?? '',
        sentinelRootNodes: [...servers],
        nodeClientOptions: { ...each, socket },
        sentinelClientOptions: { socket, ...(sentinelPassword === undefined ? {} : { password: sentinelPassword }) },
        passthroughClientErrorEvents: true,
        scanInterval: SCAN_MS,
      })
      sentinel.on('error', onError).on('client-error', onError)
      return {
        connect: () => connected(sentinel.connect()),
        send: (_, command, bytes) => sentinel.sendCommand(false, [...command], bytes ? BYTES : TEXT) as Promise<Reply>,
        destroy: () => sentinel.destroy(),
      }
    }
    const single = redis.createClient({ ...common, ...each, socket: { ...socket, ...servers[0] } })
    single.on('error', onError)
    return {
      connect: () => connected(single.connect()),
      send: (_, command, bytes) => single.sendCommand([...command], bytes ? BYTES : TEXT) as Promise<Reply>,
      destroy: () => single.destroy(),
    }
  }
}

async function client(): Promise<typeof import('redis')> {
  try {
    return await import('redis')
  } catch (cause) {
    throw new MillraceError('CLIENT_MISSING', "The trace is in Redis, and the package 'redis' is not installed.", {
      fix: 'Run: npm install redis',
      cause,
    })
  }
}
