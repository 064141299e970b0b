import type { FastifyInstance, FastifyReply } from 'fastify'
import { isMillraceError, MillraceError } from '../errors.ts'
import { PROBLEM_TYPE, problemOf, retryAfterSeconds } from '../frontend/problem.ts'

export interface Log {
  /** One sentence. */
  warn(text: string): void
}

/** Every error as RFC 9457 problem details; what is not an operating error is logged and says nothing of itself. */
export function answerProblems(server: FastifyInstance, log: Log | undefined): void {
  server.setErrorHandler((error, request, reply) => {
    const known = isMillraceError(error) ? error : fromFastify(error)
    // By its route: a URL may hold what a log must not, such as a whole key where its id was meant.
    if (known.status >= 500)
      log?.warn(`${request.method} ${request.routeOptions.url ?? 'of no route'} could not be answered: ${String(error)}`)
    return sendProblem(reply, known)
  })
  server.setNotFoundHandler((request, reply) =>
    sendProblem(
      reply,
      new MillraceError('ROUTE_UNKNOWN', `There is no ${request.method} ${request.url.split('?', 1)[0]}.`, {
        fix: 'GET / lists what there is.',
      }),
    ),
  )
}

export function sendProblem(reply: FastifyReply, error: MillraceError): FastifyReply {
  const wait = retryAfterSeconds(error)
  if (wait !== undefined) reply.header('retry-after', wait)
  return reply
    .code(error.status)
    .header('cache-control', 'no-store')
    .type(PROBLEM_TYPE)
    .send(JSON.stringify(problemOf(error)))
}

/** Fastify's own refusals carry a status; everything else is a fault of ours, whose text may say too much. */
function fromFastify(error: unknown): MillraceError {
  const status = typeof error === 'object' && error !== null && 'statusCode' in error ? error.statusCode : 500
  const what = error instanceof Error ? `${error.message.replace(/\.$/, '')}.` : ''
  if (status === 413)
    return new MillraceError('BODY_TOO_LARGE', what, {
      fix: 'Name fewer letters at a time; a datum of more is edited where no process runs, or from a shared stream.',
      cause: error,
    })
  if (status === 415) return new MillraceError('CONTENT_TYPE_UNSUPPORTED', what, { fix: 'Send application/json.', cause: error })
  if (status === 414) return new MillraceError('QUERY_INVALID', what, { fix: 'Ask with a shorter path.', cause: error })
  if (typeof status === 'number' && status >= 400 && status < 500)
    return new MillraceError('BODY_MALFORMED', what, { fix: 'Send a JSON object, or nothing.', cause: error })
  return new MillraceError('ENGINE_FAILED', 'The question could not be answered.', { fix: 'The log says why.', cause: error })
}
