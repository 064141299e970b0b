import { isMillraceError, MillraceError } from '../../../errors.ts'

const AWAY = /^(OOM|LOADING|READONLY|CLUSTERDOWN|MASTERDOWN|TRYAGAIN|MOVED|ASK|BUSY|MISCONF|NOREPLICAS|UNKILLABLE|NOGOODSLAVE|NOQUORUM)\b/
const DENIED = /^(WRONGPASS|NOPERM|DENIED)\b|invalid password|invalid username-password|AUTH.*called without any password/i
const DENIED_INSIDE = /\bNOPERM\b|ACL failure in script|can't run this command or subcommand|no permissions to (access|run)/i
const AWAY_INSIDE = /\b(OOM|READONLY|CLUSTERDOWN|MASTERDOWN|MISCONF|LOADING|NOREPLICAS)\b|command not allowed when used memory/
const CERTIFICATE = /^(SELF_SIGNED|DEPTH_ZERO|UNABLE_TO_|CERT_|ERR_TLS_CERT|HOSTNAME_MISMATCH|INVALID_CA)/
const NOT_TLS = /^(ERR_SSL_WRONG_VERSION_NUMBER|ERR_SSL_PACKET_LENGTH_TOO_LONG|EPROTO)/

/** What each reply that a server may give of its state means to who runs it. */
const FIXES: Readonly<Record<string, string>> = {
  OOM: 'Give it more memory (maxmemory), a shorter time to keep the trace (ttl), or the packed layout.',
  LOADING: 'It reads its data; it will answer when it has.',
  READONLY: 'The server is a replica: name the master, or sentinels that know it (redis+sentinel://).',
  MISCONF: 'It cannot save its data to disk: see its log.',
  BUSY: 'A script of somebody’s keeps it busy.',
}

/** Says in our words why a Redis did not do what was asked. @param where the server, without secrets. */
export function traceError(error: unknown, where: string): Error {
  if (isMillraceError(error)) return error
  if (error instanceof TypeError) return error
  const cause = rootOf(error)
  const code = codeOf(cause)
  // Redis ends some sentences and not others, and ours end by themselves.
  const text = cause.message.replace(/[.?]+$/, '')
  if (/^NOAUTH\b/.test(text)) {
    return new MillraceError('TRACE_DENIED', `The trace at ${where} asks for a password, and none was given: ${text}.`, {
      fix: 'Give it in MILLRACE_TRACE_PASSWORD, or name its file in MILLRACE_TRACE_PASSWORD_FILE.',
      cause,
    })
  }
  if (DENIED.test(text) || DENIED_INSIDE.test(text)) {
    return new MillraceError('TRACE_DENIED', `The trace at ${where} refuses us: ${text}.`, {
      fix: 'Check the user and the password, and that the user may run EVAL, EVALSHA and the commands of hashes and strings on the trace’s keys (docs/redis.md).',
      cause,
    })
  }
  if (/unknown command/i.test(text)) {
    return new MillraceError('TRACE_DENIED', `What answers at ${where} lacks a command that the trace needs: ${text}.`, {
      fix: 'Name a Redis, or what runs its Lua scripts as one does.',
      cause,
    })
  }
  if (/\bWRONGTYPE\b/.test(text)) {
    return new MillraceError('CONFIG_INVALID', `At ${where} something else uses keys that begin as the trace’s do: ${text}.`, {
      fix: 'Give the trace a prefix of its own: ?prefix=….',
      cause,
    })
  }
  if (/DB index is out of range|SELECT is not allowed in cluster/i.test(text)) {
    return new MillraceError('CONFIG_INVALID', `The server at ${where} does not have the database that was named: ${text}.`, {
      fix: 'Name one that it has; of a cluster there is only 0: redis+cluster://….',
      cause,
    })
  }
  if (CERTIFICATE.test(code)) {
    return new MillraceError('TRACE_DENIED', `The certificate of the trace at ${where} is not trusted: ${text}.`, {
      fix: 'Name the authority that signed it with ca=/path/to/ca.pem, and the name that it was made for with servername=….',
      cause,
    })
  }
  if (NOT_TLS.test(code) || /wrong version number|packet length too long/i.test(text)) {
    return new MillraceError('TRACE_UNAVAILABLE', `The trace at ${where} does not speak TLS there.`, {
      fix: 'Begin the URL with redis:// in place of rediss://, or name the port on which it speaks TLS.',
      cause,
    })
  }
  const reply = AWAY.exec(text)?.[1] ?? AWAY_INSIDE.exec(text)?.[1] ?? ''
  return new MillraceError('TRACE_UNAVAILABLE', `The trace at ${where} is away: ${text === '' ? code || cause.name : text}.`, {
    fix: FIXES[reply] ?? 'Check that a Redis answers there, and the way to it.',
    cause,
  })
}

/** The client wraps what happened: several tries in an AggregateError, a strategy that gives up in another. */
function rootOf(error: unknown): Error {
  let at = error
  for (let depth = 0; depth < 8; depth++) {
    if (at instanceof AggregateError && at.errors.length > 0) at = at.errors[0]
    else if (at instanceof Error && 'originalError' in at && at.originalError instanceof Error) at = at.originalError
    else if (at instanceof Error && at.cause instanceof Error && codeOf(at) === '') at = at.cause
    else break
  }
  return at instanceof Error ? at : new Error(String(at))
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code : ''
}
