/** Every variable that Millrace reads: one that is misspelt in a manifest would do nothing, in silence. */
export const KNOWN_ENVIRONMENT: ReadonlySet<string> = new Set([
  'MILLRACE_ROLE',
  'MILLRACE_AGENTS',
  'MILLRACE_STREAM',
  'MILLRACE_STREAM_PASSWORD',
  'MILLRACE_STREAM_PASSWORD_FILE',
  'MILLRACE_TRACE',
  'MILLRACE_TRACE_PASSWORD',
  'MILLRACE_TRACE_PASSWORD_FILE',
  'MILLRACE_LISTEN',
  'MILLRACE_OPS',
  'MILLRACE_DATA',
  'MILLRACE_KEYS',
  'MILLRACE_SPILL',
])
