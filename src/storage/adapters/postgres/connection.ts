import type { ClientConfig } from 'pg'

/** A URL, a configuration of `pg`, or nothing: then the environment says (PGHOST, PGUSER, …), when the store is opened. */
export type PostgresConnection = string | ClientConfig | undefined

const PATTERN = "such as 'postgres://user@host:5432/database'"

export function configOf(connection: PostgresConnection): ClientConfig {
  return typeof connection === 'string' ? { connectionString: connection } : (connection ?? {})
}

/** The server and database, for people, without secrets. @throws TypeError where that is not to be made out. */
export function describeConnection(connection: PostgresConnection): string {
  if (connection === undefined) return 'PostgreSQL as PG* in the environment say'
  if (typeof connection === 'object') {
    if (connection.connectionString !== undefined) return describeUrl(connection.connectionString)
    const { host = 'localhost', port = 5432, database } = connection
    return `PostgreSQL at ${host}:${port}${database === undefined ? '' : `/${database}`}`
  }
  return describeUrl(connection)
}

/** What was given is not repeated where it is wrong: a password may be in it. */
function describeUrl(text: unknown): string {
  if (typeof text !== 'string' || !/^(postgres|postgresql|socket):/.test(text))
    throw new TypeError(`postgres(…) needs a URL ${PATTERN}, a configuration of pg, or nothing for the environment's PG*.`)
  let url: URL
  try {
    // A socket's path stands where the host would, and a URL may not be without one.
    url = new URL(text.replace('@/', '@localhost/').replace(/^(\w+:\/\/)\//, '$1localhost/'))
  } catch {
    throw new TypeError(`postgres(…) has a URL that cannot be read: it must be ${PATTERN}, its user and password percent-encoded.`)
  }
  const host = url.searchParams.get('host') ?? url.hostname
  return `PostgreSQL at ${host || 'localhost'}:${url.port || 5432}${url.pathname === '/' ? '' : url.pathname}`
}
