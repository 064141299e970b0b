import type { ClientConfig, Pool, PoolClient } from 'pg'
import type { Clock } from '../../../clock.ts'
import { MillraceError } from '../../../errors.ts'
import { refusal } from './refusal.ts'
import { Session } from './session.ts'

/** Rolls take turns and need one. The other is for a roll that begins while one that was aborted has not let go. */
const MOST_CONNECTIONS = 2
const CONNECT_MS = 5_000
const KEEPALIVE_MS = 10_000
/** How far behind its own statement_timeout a server may answer: beyond that it is taken for dead. */
const LATE_MS = 5_000

interface Clients {
  readonly pg: typeof import('pg')
  readonly copy: typeof import('pg-copy-streams')
}

export interface DatabaseOptions {
  readonly config: ClientConfig
  /** The server, for people; without secrets. */
  readonly where: string
  /** Longest that one statement may take. */
  readonly statementMs: number
}

/** The connections to one database. */
export class Database {
  readonly where: string
  readonly statementMs: number
  readonly #pool: Pool
  readonly #clients: Clients
  readonly #clock: Clock

  private constructor(pool: Pool, clients: Clients, clock: Clock, options: DatabaseOptions) {
    this.where = options.where
    this.statementMs = options.statementMs
    this.#pool = pool
    this.#clients = clients
    this.#clock = clock
  }

  /** Connects nothing yet. @throws CLIENT_MISSING */
  static async load(options: DatabaseOptions, clock: Clock): Promise<Database> {
    const clients = await loadClients()
    const pool = new clients.pg.Pool({
      fallback_application_name: 'millrace',
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEPALIVE_MS,
      connectionTimeoutMillis: CONNECT_MS,
      ...options.config,
      max: MOST_CONNECTIONS,
    })
    // A connection that breaks while nobody uses it is replaced when it is needed; without a listener the event would end the process.
    pool.on('error', () => undefined)
    // One that breaks in use fails the statement in hand, and that is where it is told.
    pool.on('connect', client => client.on('error', () => undefined))
    return new Database(pool, clients, clock, options)
  }

  /**
   * Does some work on a connection of its own. Where the work fails or the signal aborts, the connection is broken off, and the server
   * rolls back what it held. @throws STORE_UNAVAILABLE, STORE_DENIED, the signal's reason, and what the work throws.
   */
  async use<T>(work: (session: Session) => Promise<T>, options: { signal?: AbortSignal; answerMs?: number } = {}): Promise<T> {
    const { signal, answerMs = this.statementMs + LATE_MS } = options
    signal?.throwIfAborted()
    const client = await this.#connect()
    const session = new Session(client, this.#clients.copy.from, this.#clock, this.where, answerMs)
    const abort = () => session.giveUp(signal?.reason)
    signal?.addEventListener('abort', abort)
    try {
      signal?.throwIfAborted()
      const result = await work(session)
      session.release()
      return result
    } catch (error) {
      session.giveUp(error)
      throw error
    } finally {
      signal?.removeEventListener('abort', abort)
    }
  }

  async #connect(): Promise<PoolClient> {
    try {
      return await this.#pool.connect()
    } catch (error) {
      throw refusal(error, this.where)
    }
  }

  close(): Promise<void> {
    return this.#pool.end()
  }
}

/** Loaded on use: who stores elsewhere need not have them. */
async function loadClients(): Promise<Clients> {
  try {
    const [pg, copy] = await Promise.all([import('pg'), import('pg-copy-streams')])
    return { pg, copy }
  } catch (cause) {
    throw new MillraceError(
      'CLIENT_MISSING',
      'Storing in PostgreSQL needs the packages pg and pg-copy-streams, and one of them does not load.',
      {
        fix: 'Run: npm install pg pg-copy-streams',
        cause,
      },
    )
  }
}
