import { type ErrorCode, MillraceError } from '../../../errors.ts'

type Code = Extract<ErrorCode, 'STORE_UNAVAILABLE' | 'STORE_DENIED' | 'CONFIG_INVALID'>

/** What PostgreSQL's codes mean to a store (https://www.postgresql.org/docs/current/errcodes-appendix.html): the whole code first, then its class. */
const SQL_STATES: Readonly<Record<string, readonly [Code, string]>> = {
  '28': ['STORE_DENIED', 'Check the user and the password in the connection, and pg_hba.conf on the server.'],
  '3D': ['STORE_DENIED', 'Create the database, or name another in the connection.'],
  '3F': ['STORE_DENIED', 'Create the schema, or name another.'],
  '42501': [
    'STORE_DENIED',
    'Grant this role what it needs: USAGE on the schema, SELECT and INSERT on the table, TEMPORARY on the database.',
  ],
  '25006': ['STORE_UNAVAILABLE', 'Connect to the primary: this server only answers reads.'],
  '53100': ['STORE_UNAVAILABLE', 'Make room on the server’s disk.'],
  '53300': ['STORE_UNAVAILABLE', 'Raise max_connections, or close connections that nobody needs.'],
  '57014': ['STORE_UNAVAILABLE', 'If this goes on, raise statementTimeout or make rolls smaller.'],
  '55P03': ['STORE_UNAVAILABLE', 'If this goes on, look in pg_locks for who holds the table.'],
  // The table was changed while rolls went in: the next attempt looks at it again and says what is wrong with it.
  '42P01': ['STORE_UNAVAILABLE', 'The table is looked at again.'],
  '42703': ['STORE_UNAVAILABLE', 'The table is looked at again.'],
  '42804': ['STORE_UNAVAILABLE', 'The table is looked at again.'],
  '42P10': ['STORE_UNAVAILABLE', 'The table is looked at again.'],
  '42': ['STORE_DENIED', 'The statement was refused as it is.'],
  '0A': ['STORE_DENIED', 'This server cannot do what storing needs: PostgreSQL 12 or later can.'],
}

/** A trigger's own error counts too. What these classes refuse is one row, and others beside it may be good. */
const ROW_CLASSES = ['22', '23', '44', '54', 'P0']

const SOCKET_FIXES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'Start the server, or check host and port in the connection.',
  ENOTFOUND: 'Check the host in the connection.',
  EAI_AGAIN: 'Check the host in the connection, and the name service.',
  ENOENT: 'Start the server, or check the path of its socket in the connection.',
}

/** The server's code for an error that it sent; undefined for one of the network or of ours. */
export function sqlState(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('severity' in error) || !('code' in error)) return undefined
  return typeof error.code === 'string' && error.code.length === 5 ? error.code : undefined
}

/** Whether the server refuses a row for what is in it. */
export function isAboutRow(error: unknown): boolean {
  const state = sqlState(error)
  return state !== undefined && ROW_CLASSES.includes(state.slice(0, 2))
}

/** An error of the server, the network or the client, as this package says it; anything else as it is. @param where the server, for people. */
export function refusal(error: unknown, where: string): unknown {
  if (!(error instanceof Error) || error instanceof MillraceError || error instanceof TypeError || error instanceof RangeError) return error
  const state = sqlState(error)
  if (state !== undefined) {
    const [code, fix] = SQL_STATES[state] ?? SQL_STATES[state.slice(0, 2)] ?? ['STORE_UNAVAILABLE' as const, undefined]
    return told(code, `${where} answers: ${error.message} (${state}).`, error, fix)
  }
  if (error.message.startsWith('SASL'))
    return told(
      'STORE_DENIED',
      `${where} asks for a password, and the one given is empty or none (${error.message}).`,
      error,
      SQL_STATES['28']?.[1],
    )
  if (error.message.includes('SSL connections'))
    return told('STORE_DENIED', `${where} does not speak TLS.`, error, 'Turn TLS on at the server, or leave sslmode out of the connection.')
  // A certificate or key: they are read each time that a connection is made.
  if ('syscall' in error && error.syscall === 'open')
    return told('CONFIG_INVALID', `${where}: a file that the connection names cannot be read: ${error.message}.`, error, 'Check its path.')
  const code = 'code' in error ? String(error.code) : ''
  if (isOfTls(code))
    return told(
      'STORE_DENIED',
      `${where} is not trusted: ${error.message} (${code}).`,
      error,
      'Name its authority with sslrootcert in the connection.',
    )
  return told('STORE_UNAVAILABLE', `${where} cannot be reached: ${messageOf(error).replace(/\.$/, '')}.`, error, SOCKET_FIXES[code])
}

function isOfTls(code: string): boolean {
  return /CERT|^ERR_(TLS|SSL)|UNABLE_TO_VERIFY|UNABLE_TO_GET/.test(code)
}

/** A host with several addresses fails with one error for each, and says nothing itself. */
function messageOf(error: Error): string {
  if (error instanceof AggregateError) return error.errors.map(each => (each instanceof Error ? each.message : String(each))).join('; ')
  return error.message
}

function told(code: Code, what: string, cause: Error, fix: string | undefined): MillraceError {
  return new MillraceError(code, what, { cause, ...(fix === undefined ? {} : { fix }) })
}
