import { type ErrorCode, isMillraceError } from '../errors.ts'

/** What the shell hears. Documented in docs/cli.md; scripts depend on it. */
export const EXIT = {
  ok: 0,
  failed: 1,
  /** A wrong flag, argument or setting: the same command can never work. */
  usage: 2,
  /** The datum, topic, agent, dead letter, key, file or data directory is not there. */
  notFound: 3,
  /** Some of the data were refused; the others are stored. */
  partly: 4,
  /** Nothing answers, or another process holds the data directory: the same command may work later. */
  unreachable: 5,
  /** Ended by Ctrl-C before its work was done: 128 + SIGINT. */
  interrupted: 130,
} as const

const BY_CODE: { readonly [code in ErrorCode]?: number } = {
  USAGE: EXIT.usage,
  CONFIG_INVALID: EXIT.usage,
  PIPELINE_NOT_FOUND: EXIT.notFound,
  DATA_DIRECTORY_MISSING: EXIT.notFound,
  TOPIC_UNKNOWN: EXIT.notFound,
  ROUTE_UNKNOWN: EXIT.notFound,
  AGENT_UNKNOWN: EXIT.notFound,
  LETTER_UNKNOWN: EXIT.notFound,
  REPLAY_UNKNOWN: EXIT.notFound,
  DATUM_UNKNOWN: EXIT.notFound,
  CACHE_UNKNOWN: EXIT.notFound,
  KEY_UNKNOWN: EXIT.notFound,
  FILE_MISSING: EXIT.notFound,
  SERVER_UNREACHABLE: EXIT.unreachable,
  DATA_DIRECTORY_LOCKED: EXIT.unreachable,
  OVERLOADED: EXIT.unreachable,
  RATE_LIMITED: EXIT.unreachable,
  SHUTTING_DOWN: EXIT.unreachable,
  MOVE_UNFINISHED: EXIT.unreachable,
  DISK_FULL: EXIT.unreachable,
  APPEND_UNKNOWN: EXIT.unreachable,
  STREAM_UNAVAILABLE: EXIT.unreachable,
  TRACE_UNAVAILABLE: EXIT.unreachable,
  STORE_UNAVAILABLE: EXIT.unreachable,
}

export function exitCodeOf(error: unknown): number {
  return isMillraceError(error) ? (BY_CODE[error.code] ?? EXIT.failed) : EXIT.failed
}
