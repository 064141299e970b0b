import { readFileSync } from 'node:fs'
import { durationMs } from '../../../duration.ts'
import { MillraceError } from '../../../errors.ts'
import type { RedisAddress, RedisOptions } from './options.ts'

/** What is better not written into a URL, and the pipeline, which gives keys their prefix where the URL gives none. */
export interface RedisSecrets {
  readonly pipeline?: string
  readonly username?: string
  readonly password?: string
  readonly sentinelPassword?: string
}

const FORM = /^redis(s)?(?:\+(sentinel|cluster))?:\/\/(?:([^/?#]*)@)?([^/?#@]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/
const ADDRESS = /^(\[[0-9a-fA-F:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/
const MAX_PORT = 65_535
const MAX_DATABASE = 65_535
const EXAMPLES =
  'redis://user:password@host:6379/0?prefix=grid:&ttl=24h, rediss:// for TLS, redis+sentinel://host:26379,host:26379/mymaster, or redis+cluster://host:7000,host:7000'

/**
 * The options that a URL names. Query: `prefix`, `ttl`, `id_ttl`, `timeout` (durations), `layout` (`readable`, `packed`), and with `rediss` `ca`, `cert`, `key` (files), `servername`.
 * @throws CONFIG_INVALID, which never holds the password.
 */
export function redisOptions(url: string, secrets: RedisSecrets = {}): RedisOptions {
  const match = FORM.exec(url)
  if (match === null) throw invalid('The trace’s URL is not one of a Redis.', `Write ${EXAMPLES}.`)
  const [, tls, mode = 'single', userInfo, hosts = '', path = '', search = ''] = match
  // Behind it may be the rest of a password that begins before it: whatever is said of the URL from here on would show it.
  if (path.includes('@') || search.includes('@')) {
    throw invalid(
      "The trace’s URL has an '@' behind its host.",
      "Write '@' as %40 there, and in a password also '/' as %2F and '?' as %3F.",
    )
  }
  const servers = hosts.split(',').map((host, i) => address(host, i, mode === 'sentinel' ? 26_379 : 6_379))
  if (mode === 'single' && servers.length > 1) {
    throw invalid(`redis:// names one server; got ${servers.length}.`, 'Write redis+cluster:// or redis+sentinel:// for several.')
  }
  const [first = '', second] = path.split('/')
  const master = mode === 'sentinel' ? decoded(first, 'the master’s name') : undefined
  if (master === '') throw invalid('redis+sentinel:// names no master.', 'Name it in the path: redis+sentinel://host:26379/mymaster.')
  const database = databaseOf((mode === 'sentinel' ? second : first) ?? '', mode)
  const query = new Query(search)
  const options: RedisOptions = {
    servers,
    // The form above admits these two and none, which is 'single'.
    mode: mode as NonNullable<RedisOptions['mode']>,
    ...(master === undefined ? {} : { master }),
    ...(database === 0 ? {} : { database }),
    ...credentials(userInfo, secrets),
    ...(tls === undefined ? {} : { tls: query.tls() }),
    ...prefixOf(query.take('prefix'), secrets.pipeline),
    ...query.duration('ttl', 'ttlMs'),
    ...query.duration('id_ttl', 'idTtlMs'),
    ...query.duration('timeout', 'timeoutMs'),
    ...layoutOf(query.take('layout')),
  }
  query.done(tls === undefined)
  return options
}

class Query {
  readonly #left: URLSearchParams

  constructor(search: string) {
    this.#left = new URLSearchParams(search)
  }

  take(name: string): string | undefined {
    const [value, again] = this.#left.getAll(name)
    if (again !== undefined) throw invalid(`The trace’s URL gives '${name}' twice.`, 'Give it once.')
    this.#left.delete(name)
    return value
  }

  duration<Name extends string>(name: string, as: Name): { [key in Name]?: number } {
    const text = this.take(name)
    if (text === undefined) return {}
    try {
      const ms = durationMs(text, name)
      if (ms < 1) throw new TypeError(`${name} is ${text}; it must be longer.`)
      // A computed key widens to string; it is the one given.
      return { [as]: Math.round(ms) } as { [key in Name]?: number }
    } catch (cause) {
      throw new MillraceError('CONFIG_INVALID', `The trace’s URL has ${name}=${text}, which is no length of time.`, {
        fix: "Write one such as '250ms', '5s', '24h' or '7d'.",
        cause,
      })
    }
  }

  tls(): NonNullable<RedisOptions['tls']> {
    const servername = this.take('servername')
    return { ...this.#file('ca'), ...this.#file('cert'), ...this.#file('key'), ...(servername === undefined ? {} : { servername }) }
  }

  /** @param plain the scheme is without TLS. */
  done(plain: boolean): void {
    const [unknown] = this.#left.keys()
    if (unknown === undefined) return
    if (plain && ['ca', 'cert', 'key', 'servername'].includes(unknown)) {
      throw invalid(
        `The trace’s URL has '${unknown}', which is of TLS, and is without it.`,
        'Begin it with rediss:// in place of redis://.',
      )
    }
    const there = 'prefix, ttl, id_ttl, timeout, layout, ca, cert, key, servername'
    throw invalid(`The trace’s URL has '${unknown}', which is none of its settings.`, `There are: ${there}.`)
  }

  #file(name: 'ca' | 'cert' | 'key'): { [key in typeof name]?: Buffer } {
    const path = this.take(name)
    if (path === undefined) return {}
    try {
      return { [name]: readFileSync(path) }
    } catch (cause) {
      throw new MillraceError('CONFIG_INVALID', `The trace’s URL has ${name}=${path}, which cannot be read.`, {
        fix: 'Name a PEM file that this process may read.',
        cause,
      })
    }
  }
}

function address(text: string, index: number, defaultPort: number): RedisAddress {
  const match = ADDRESS.exec(text)
  const port = Number(match?.[2] ?? defaultPort)
  if (match?.[1] === undefined || port < 1 || port > MAX_PORT) {
    // Its text may be a user and a password whose host was forgotten.
    throw invalid(`Address ${index + 1} in the trace’s URL is no host and port.`, `Write ${EXAMPLES}.`)
  }
  return { host: match[1].replace(/^\[|\]$/g, ''), port }
}

function databaseOf(text: string, mode: string): number {
  if (text === '') return 0
  const database = /^\d+$/.test(text) ? Number(text) : Number.NaN
  if (!(database <= MAX_DATABASE)) throw invalid(`The trace’s URL ends in '/${text}'; that should be a database’s number.`, 'Write /0.')
  if (mode === 'cluster' && database !== 0) throw invalid(`A cluster has database 0 alone; the URL names ${database}.`, 'Leave it out.')
  return database
}

function credentials(
  userInfo: string | undefined,
  secrets: RedisSecrets,
): Pick<RedisOptions, 'username' | 'password' | 'sentinelPassword'> {
  const colon = userInfo?.indexOf(':') ?? -1
  const inUrl = (text: string | undefined) => (text === undefined || text === '' ? undefined : decoded(text, 'the user or password'))
  const username = secrets.username ?? inUrl(colon < 0 ? userInfo : userInfo?.slice(0, colon))
  const password = secrets.password ?? inUrl(colon < 0 ? undefined : userInfo?.slice(colon + 1))
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...(secrets.sentinelPassword === undefined ? {} : { sentinelPassword: secrets.sentinelPassword }),
  }
}

function decoded(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    // Its text may be the password's: it is not shown, nor the cause, which repeats it.
    throw invalid(`The trace’s URL has a '%' in ${what} that begins no percent-encoded character.`, "Write '%' itself as '%25'.")
  }
}

function prefixOf(given: string | undefined, pipeline: string | undefined): Pick<RedisOptions, 'prefix'> {
  if (given !== undefined) return { prefix: given }
  return pipeline === undefined ? {} : { prefix: `millrace:${pipeline}:` }
}

function layoutOf(text: string | undefined): Pick<RedisOptions, 'layout'> {
  if (text === undefined) return {}
  if (text === 'readable' || text === 'packed') return { layout: text }
  throw invalid(`The trace’s URL has layout=${text}.`, "Write 'readable' or 'packed'.")
}

function invalid(what: string, fix: string): MillraceError {
  return new MillraceError('CONFIG_INVALID', what, { fix })
}
