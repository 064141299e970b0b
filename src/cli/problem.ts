import { isErrorCode, MillraceError } from '../errors.ts'

/** What a Millrace server answered with, as the error that it stands for; one of another kind says that something else answers there. */
export function errorOfProblem(url: string, status: number, body: string): MillraceError {
  const problem = parsed(body)
  if (problem !== undefined) {
    const issues = Array.isArray(problem.issues) ? problem.issues : []
    const lines = issues.map(issue => `${issue?.path === '' ? '' : `${issue?.path}: `}${issue?.message}`)
    // The server speaks of a header; whoever reads this has a command.
    if (problem.code === 'KEY_MISSING' || problem.code === 'KEY_INVALID')
      lines.push('Give millrace send the key in MILLRACE_KEY, or with --key.')
    if (problem.code === 'LOG_IN_MISSING' || problem.code === 'LOG_IN_INVALID') lines.push('Give a token in MILLRACE_OPS_TOKEN.')
    return new MillraceError(problem.code, String(problem.detail ?? problem.title), lines.length === 0 ? {} : { fix: lines.join('\n') })
  }
  return new MillraceError('SERVER_UNREACHABLE', `${url} answered ${status}, and not as Millrace does.`, {
    fix: 'Check the address: something else may listen there.',
  })
}

function parsed(body: string): { code: MillraceError['code']; detail?: unknown; title?: unknown; issues?: unknown } | undefined {
  try {
    const value: unknown = JSON.parse(body)
    return typeof value === 'object' && value !== null && 'code' in value && isErrorCode(value.code)
      ? { ...value, code: value.code }
      : undefined
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}

/** Why a request got no answer at all, in a few words. */
export function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof AggregateError && cause.errors.length > 0) return reasonOf(cause.errors[0])
  return cause instanceof Error
    ? 'code' in cause && cause.code === 'ECONNREFUSED'
      ? 'nothing listens there'
      : cause.message
    : String(cause)
}
