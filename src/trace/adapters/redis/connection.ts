import { hash } from 'node:crypto'
import { type Clock, systemClock } from '../../../clock.ts'
import { isMillraceError, MillraceError } from '../../../errors.ts'
import { type Argument, backoffMs, type Link, linkMaker, type Reply } from './link.ts'
import type { RedisOptions } from './options.ts'
import { traceError } from './redis-error.ts'

const TIMEOUT_MS = 5_000

/** A script as the server knows it: by its digest once it has seen it. */
export interface Script {
  readonly source: string
  readonly digest: string
}

export function script(source: string): Script {
  return { source, digest: hash('sha1', source) }
}

/**
 * The way to the server. Every call ends within the timeout: answered, or TRACE_UNAVAILABLE. While the server is away calls fail at once;
 * the link comes back by itself.
 */
export class Connection {
  /** Where it is, for people: hosts and ports alone. */
  readonly where: string
  readonly #make: (onError: (error: unknown) => void) => Link
  readonly #timeoutMs: number
  readonly #clustered: boolean
  readonly #clock: Clock
  readonly #ended = new AbortController()
  #link: Link
  /** The last reply came at this time: a link that has been silent for a whole call's time is given up. */
  #heardMs = 0
  /** When the link was made. */
  #linkedMs = 0
  /** Why the link was lost, for calls that fail while it is away. */
  #lost: unknown
  #closed = false
  /** Calls that have not ended; each does within the timeout. */
  readonly #inHand = new Set<Promise<Reply>>()

  private constructor(options: RedisOptions, make: (onError: (error: unknown) => void) => Link) {
    this.where = options.servers.map(({ host, port }) => (host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`)).join()
    this.#make = make
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT_MS
    this.#clustered = options.mode === 'cluster'
    this.#clock = options.clock ?? systemClock
    this.#link = this.#newLink()
  }

  /** @throws TRACE_UNAVAILABLE, TRACE_DENIED, CLIENT_MISSING */
  static async open(options: RedisOptions): Promise<Connection> {
    const connection = new Connection(options, await linkMaker(options, options.timeoutMs ?? TIMEOUT_MS))
    try {
      const link = connection.#link
      await connection.#within(link.connect())
      // An address may take connections and answer nothing; a user may come in and be let do nothing.
      await connection.#within(link.send('', ['PING'], false))
      return connection
    } catch (error) {
      await connection.close()
      throw notSpoken(error, options.tls !== undefined, connection.where) ?? traceError(error, connection.where)
    }
  }

  /** Runs a script over keys that lie together. Its source is sent where the server does not know it (any longer). */
  async run(called: Script, keys: readonly string[], args: readonly Argument[], bytes = false): Promise<Reply> {
    const rest = [`${keys.length}`, ...keys, ...args]
    return this.#call(async link => {
      try {
        return await link.send(keys[0] ?? '', ['EVALSHA', called.digest, ...rest], bytes)
      } catch (error) {
        if (!(error instanceof Error) || !error.message.startsWith('NOSCRIPT')) throw error
        return link.send(keys[0] ?? '', ['EVAL', called.source, ...rest], bytes)
      }
    })
  }

  /** Sends one command. @param key where it belongs, of a cluster. */
  async send(key: string, command: readonly Argument[], bytes = false): Promise<Reply> {
    return this.#call(link => link.send(key, command, bytes))
  }

  /** Refuses what comes from now on, and lets what is in hand end. */
  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await Promise.allSettled(this.#inHand)
    this.#ended.abort(new MillraceError('ENGINE_CLOSED', 'The trace is closed.'))
    discard(this.#link)
  }

  /** @throws ENGINE_CLOSED */
  check(): void {
    if (this.#closed) throw new MillraceError('ENGINE_CLOSED', 'The trace is closed.')
  }

  #call(ask: (link: Link) => Promise<Reply>): Promise<Reply> {
    const call = this.#answer(ask).finally(() => this.#inHand.delete(call))
    this.#inHand.add(call)
    return call
  }

  async #answer(ask: (link: Link) => Promise<Reply>): Promise<Reply> {
    this.check()
    const link = this.#link
    const startedMs = this.#clock.now()
    try {
      const reply = await this.#within(ask(link))
      this.#heardMs = this.#clock.now()
      return reply
    } catch (error) {
      const said = traceError(this.#lost !== undefined && isOffline(error) ? this.#lost : error, this.where)
      // Nothing came during a whole call: the other end may be gone without a word, and the system would notice only much later. A
      // replica that answers as a master did will do so until we look again where the master is.
      // In a cluster the others are heard while one is not: there a link that is not new is given up in any case.
      const silent = this.#clustered ? startedMs - this.#linkedMs > this.#timeoutMs : this.#heardMs < startedMs
      if ((error instanceof Late && silent) || said.message.includes('READONLY')) this.#replace(link)
      throw said
    }
  }

  /** A timer for each call, which is one for a batch. */
  async #within<T>(answer: Promise<T>): Promise<T> {
    let cancel = () => {}
    const late = new Promise<never>((_, reject) => {
      cancel = this.#clock.after(this.#timeoutMs, () => reject(new Late(this.where, this.#timeoutMs)))
    })
    try {
      return await Promise.race([answer, late])
    } finally {
      cancel()
    }
  }

  #newLink(): Link {
    this.#linkedMs = this.#clock.now()
    return this.#make(error => {
      this.#lost = error
    })
  }

  #replace(link: Link): void {
    // Many calls find out together; the first has done it.
    if (this.#link !== link || this.#closed) return
    discard(link)
    this.#link = this.#newLink()
    void this.#reconnect(this.#link)
  }

  /** Until it is there, or the connection is closed. Calls meanwhile fail at once, by the link itself. */
  async #reconnect(link: Link): Promise<void> {
    for (let retries = 0; !this.#closed && this.#link === link; retries++) {
      try {
        await this.#within(link.connect())
        return
      } catch (error) {
        if (this.#closed) return
        this.#lost = error
        discard(link)
        link = this.#link = this.#newLink()
        await this.#clock.sleep(backoffMs(retries), this.#ended.signal).catch(ignoreClosing)
      }
    }
  }
}

class Late extends MillraceError {
  constructor(where: string, timeoutMs: number) {
    super('TRACE_UNAVAILABLE', `The trace at ${where} did not answer within ${timeoutMs} ms.`, {
      fix: 'Check that a Redis answers there, and how busy it is.',
    })
  }
}

/**
 * At the opening: a server without TLS waits for the end of a line that TLS never sends, and one with TLS hangs up on who speaks without.
 * @returns undefined where it cannot be that.
 */
function notSpoken(error: unknown, tls: boolean, where: string): MillraceError | undefined {
  if (tls && error instanceof Late) {
    return new MillraceError('TRACE_UNAVAILABLE', `The trace at ${where} did not answer in TLS in time; it may not speak it there.`, {
      fix: 'Begin the URL with redis:// in place of rediss://, or name the port on which it speaks TLS; else check that it answers at all.',
      cause: error,
    })
  }
  const hungUp =
    error instanceof Error && (error.constructor.name === 'SocketClosedUnexpectedlyError' || error.message.includes('ECONNRESET'))
  if (tls || !hungUp) return undefined
  return new MillraceError('TRACE_UNAVAILABLE', `The trace at ${where} hung up at once; it may speak TLS there.`, {
    fix: 'Begin the URL with rediss:// in place of redis://, or name the port on which it speaks without TLS.',
    cause: error,
  })
}

/** The client refuses what it cannot send: that says less than why it cannot. */
function isOffline(error: unknown): boolean {
  return (
    !isMillraceError(error) &&
    error instanceof Error &&
    /offline|client is closed|not ready/i.test(`${error.constructor.name} ${error.message}`)
  )
}

/** Some links say that they were not open. They are not to be, so all is well. */
function discard(link: Link): void {
  try {
    link.destroy()
  } catch (error) {
    if (!(error instanceof Error)) throw error
  }
}

function ignoreClosing(error: unknown): void {
  if (!isMillraceError(error, 'ENGINE_CLOSED')) throw error
}
