/**
 * Every operating error that Millrace raises, by its stable code. `status` is the HTTP status it becomes,
 * `retryable` says whether the same call may succeed later unchanged. A programmer's mistake is a TypeError, not one of these.
 */
const CATALOG = {
  // Declarations
  GRAPH_INVALID: { status: 500, retryable: false, title: 'The pipeline does not hold together' },
  PIPELINE_NOT_FOUND: { status: 500, retryable: false, title: 'No pipeline was found' },
  PIPELINE_BROKEN: { status: 500, retryable: false, title: 'The pipeline does not load' },
  CONFIG_INVALID: { status: 500, retryable: false, title: 'A setting is wrong' },
  // Front end
  TOPIC_UNKNOWN: { status: 404, retryable: false, title: 'No such topic' },
  ROUTE_UNKNOWN: { status: 404, retryable: false, title: 'No such route' },
  TYPE_MISSING: { status: 400, retryable: false, title: 'The datum names no type' },
  BODY_MALFORMED: { status: 400, retryable: false, title: 'The body cannot be read' },
  HEADER_INVALID: { status: 400, retryable: false, title: 'A header is wrong' },
  KEY_MISSING: { status: 401, retryable: false, title: 'No API key' },
  KEY_INVALID: { status: 401, retryable: false, title: 'The API key is not valid' },
  TOPIC_FORBIDDEN: { status: 403, retryable: false, title: 'This key may not write to the topic' },
  METHOD_NOT_ALLOWED: { status: 405, retryable: false, title: 'Another method is needed here' },
  SLOW_REQUEST: { status: 408, retryable: true, title: 'The request took too long to arrive' },
  BODY_TOO_LARGE: { status: 413, retryable: false, title: 'Too large' },
  CONTENT_TYPE_UNSUPPORTED: { status: 415, retryable: false, title: 'The content type cannot be used here' },
  DATUM_INVALID: { status: 422, retryable: false, title: 'The datum does not match its topic' },
  ID_TAKEN: { status: 409, retryable: false, title: 'The data_id is another source’s' },
  RATE_LIMITED: { status: 429, retryable: true, title: 'Too many data for this source' },
  OVERLOADED: { status: 503, retryable: true, title: 'The engine is behind' },
  SHUTTING_DOWN: { status: 503, retryable: true, title: 'Shutting down' },
  // Engine
  APPEND_UNKNOWN: { status: 503, retryable: true, title: 'It is not known whether the data were stored' },
  DISK_FULL: { status: 507, retryable: true, title: 'The disk is full' },
  ENGINE_CLOSED: { status: 503, retryable: true, title: 'The engine is closed' },
  ENGINE_FAILED: { status: 500, retryable: true, title: 'The engine failed' },
  DATA_DIRECTORY_LOCKED: { status: 500, retryable: true, title: 'Another process uses the data directory' },
  DATA_DIRECTORY_MISSING: { status: 500, retryable: false, title: 'There is no data directory' },
  MOVE_REFUSED: { status: 500, retryable: false, title: 'The pipeline cannot be moved' },
  MOVE_UNFINISHED: { status: 500, retryable: false, title: 'A move was begun and has not ended' },
  DATA_DIRECTORY_VERSION: { status: 500, retryable: false, title: 'The data directory is of another version' },
  STREAM_UNAVAILABLE: { status: 503, retryable: true, title: 'The stream is away' },
  STREAM_DENIED: { status: 500, retryable: false, title: 'The stream refuses us' },
  LOG_CORRUPT: { status: 500, retryable: false, title: 'The log is damaged' },
  TOPIC_MISMATCH: { status: 500, retryable: false, title: 'The topic exists and differs' },
  LEASE_LOST: { status: 409, retryable: true, title: 'The lease has ended' },
  FRAME_CORRUPT: { status: 500, retryable: false, title: 'A record batch cannot be read' },
  CODEC_INVALID: { status: 400, retryable: false, title: 'The bytes are not an envelope' },
  // Agents
  HANDLER_TIMEOUT: { status: 500, retryable: true, title: 'The handler ran out of time' },
  OUTPUT_INVALID: { status: 500, retryable: false, title: 'An output does not match its topic' },
  WINDOW_CLOSED: { status: 422, retryable: false, title: 'The datum came after its window had closed' },
  WINDOW_FULL: { status: 422, retryable: false, title: 'The window has no room for the datum' },
  CREATED_AHEAD: { status: 422, retryable: false, title: 'The datum was created in the future' },
  AGENT_UNKNOWN: { status: 404, retryable: false, title: 'No such agent' },
  AGENT_AWAY: { status: 503, retryable: true, title: 'The agent is not at work at the moment' },
  AGENT_FORBIDDEN: { status: 403, retryable: false, title: 'This key may not work for the agent' },
  WORKER_MISSING: { status: 503, retryable: true, title: 'No worker is attached' },
  AGENT_CRASHED: { status: 500, retryable: true, title: 'The agent’s thread or program ended' },
  REMOTE_BROKEN: { status: 500, retryable: true, title: 'The agent’s program broke the protocol' },
  REMOTE_UNAVAILABLE: { status: 503, retryable: true, title: 'The agent’s service is away' },
  CLIENT_MISSING: { status: 500, retryable: false, title: 'A package is not installed' },
  VERSION_REFUSED: { status: 409, retryable: false, title: 'That makes no sense for this version now' },
  LETTER_UNKNOWN: { status: 404, retryable: false, title: 'No such dead letter' },
  REPLAY_UNKNOWN: { status: 404, retryable: false, title: 'No such replay' },
  // Storage
  STORE_UNAVAILABLE: { status: 503, retryable: true, title: 'The store is away' },
  STORE_DENIED: { status: 500, retryable: false, title: 'The store refuses us' },
  TABLE_MISMATCH: { status: 500, retryable: false, title: 'The table exists and differs' },
  RECORD_UNSTORABLE: { status: 500, retryable: false, title: 'A datum does not fit the store' },
  // Trace and cache
  TRACE_UNAVAILABLE: { status: 503, retryable: true, title: 'The trace is away' },
  TRACE_MISMATCH: { status: 500, retryable: false, title: 'The trace is of another log' },
  TRACE_DENIED: { status: 500, retryable: false, title: 'The trace refuses us' },
  DATUM_UNKNOWN: { status: 404, retryable: false, title: 'No such datum' },
  CACHE_UNKNOWN: { status: 404, retryable: false, title: 'No such cache or key' },
  // Operators’ listener
  QUERY_INVALID: { status: 400, retryable: false, title: 'The question is wrong' },
  REQUEST_FORBIDDEN: { status: 403, retryable: false, title: 'This may not be asked from there' },
  LOG_IN_MISSING: { status: 401, retryable: false, title: 'Nobody is logged in' },
  LOG_IN_INVALID: { status: 401, retryable: false, title: 'The log-in is not valid' },
  LOG_IN_LIMITED: { status: 429, retryable: true, title: 'Too many attempts to log in' },
  LOG_IN_UNAVAILABLE: { status: 503, retryable: true, title: 'The log-in’s provider is away' },
  ROLE_MISSING: { status: 403, retryable: false, title: 'This needs another role' },
  // Command line
  USAGE: { status: 400, retryable: false, title: 'The command was used wrongly' },
  SERVER_UNREACHABLE: { status: 503, retryable: true, title: 'Nothing answers there' },
  FILE_MISSING: { status: 404, retryable: false, title: 'There is no such file' },
  KEY_OVER: { status: 409, retryable: false, title: 'The API key has ended' },
  KEY_UNKNOWN: { status: 404, retryable: false, title: 'No such API key' },
} as const satisfies Record<string, { status: number; retryable: boolean; title: string }>

export type ErrorCode = keyof typeof CATALOG

/** Whether a text from elsewhere, such as a problem's `code`, names one of these. */
export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(CATALOG, text)
}

/** What went wrong with one field: `path` as in `readings[3].megawatts`, empty for the whole datum. */
export interface Issue {
  readonly path: string
  readonly message: string
}

/** An operating error: what happened (expected and got), and what to do about it. */
export class MillraceError extends Error {
  override readonly name = 'MillraceError'
  readonly code: ErrorCode
  readonly title: string
  readonly status: number
  readonly retryable: boolean
  readonly fix: string | undefined
  readonly issues: readonly Issue[] | undefined

  constructor(code: ErrorCode, what: string, options: { fix?: string; cause?: unknown; issues?: readonly Issue[] } = {}) {
    super(options.fix === undefined ? what : `${what} ${options.fix}`, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.title = CATALOG[code].title
    this.status = CATALOG[code].status
    this.retryable = CATALOG[code].retryable
    this.fix = options.fix
    this.issues = options.issues
  }
}

export function isMillraceError(error: unknown, code?: ErrorCode): error is MillraceError {
  return error instanceof MillraceError && (code === undefined || error.code === code)
}

/** An error that crosses a thread: structured clone drops the class, so it travels as this and is raised again on the other side. */
export interface PortableError {
  readonly code?: ErrorCode
  readonly name: string
  readonly message: string
  readonly fix?: string
  readonly stack?: string
}

export function toPortable(error: unknown): PortableError {
  if (error instanceof MillraceError) {
    const what = error.fix === undefined ? error.message : error.message.slice(0, -error.fix.length - 1)
    return {
      code: error.code,
      name: error.name,
      message: what,
      ...(error.fix === undefined ? {} : { fix: error.fix }),
      ...(error.stack === undefined ? {} : { stack: error.stack }),
    }
  }
  if (error instanceof Error)
    return { name: error.name, message: error.message, ...(error.stack === undefined ? {} : { stack: error.stack }) }
  return { name: 'Error', message: String(error) }
}

export function fromPortable(error: PortableError): Error {
  const raised =
    error.code === undefined
      ? Object.assign(new Error(error.message), { name: error.name })
      : new MillraceError(error.code, error.message, error.fix === undefined ? {} : { fix: error.fix })
  if (error.stack !== undefined) raised.stack = error.stack
  return raised
}
