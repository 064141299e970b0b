import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Clock } from '../clock.ts'
import type { Log } from './answers.ts'
import type { Audited } from './api/session.ts'
import type { AuditLog } from './audit.ts'

/** What an action is about, of what a request says: names and numbers, never a datum, a key of one, or a secret. */
const SAYS_WHAT = [
  ...['agent', 'version', 'replaces', 'share', 'now', 'undo', 'letter', 'letters', 'fingerprint', 'topic', 'replay', 'rate', 'complete'],
  ...['id', 'source', 'topics', 'agents', 'expires', 'user', 'role', 'by'],
]
const MAX_WHAT_LENGTH = 500
const SHOWN_LETTERS = 20
/** A log-in by a link, or by a provider, is a GET. */
const LOG_INS = new Set(['/auth/code/:code', '/auth/callback'])
/** Portions of a replay, of which there may be thousands: its begin and its end are in the log. */
const PARTS = new Set(['/v1/replays/:replay/data'])
/** So many of each user's, and of all who have no log-in: nobody pushes what others did out of the log by asking for what is refused. */
const MOST_REFUSED = 60
const REFUSED_WINDOW_MS = 60_000
/** While the stream is away a person must be able to log in and look. */
const WRITE_WAIT_MS = 2_000

/** Writes down every action before it is answered: changes, log-ins, and what was refused. */
export function auditing(server: FastifyInstance, audit: AuditLog, clock: Clock, log: Log | undefined): void {
  const refused = new Map<string, number>()
  let sinceMs = 0

  function isTooMuch(user: string): boolean {
    const now = clock.now()
    if (now - sinceMs >= REFUSED_WINDOW_MS) {
      refused.clear()
      sinceMs = now
    }
    const count = (refused.get(user) ?? 0) + 1
    refused.set(user, count)
    return count > MOST_REFUSED
  }

  server.addHook('onSend', async (request, reply, payload) => {
    if (!isAction(request, reply)) return payload
    const action = actionOf(request, reply, clock.now())
    if (action.status >= 400 && isTooMuch(action.user)) return payload
    const writing = audit.write(action).catch(error => {
      log?.warn(`The audit log could not be written (${String(error)}): ${JSON.stringify(action)}`)
    })
    const waiting = new AbortController()
    await Promise.race([writing, clock.sleep(WRITE_WAIT_MS, waiting.signal).catch(() => undefined)])
    waiting.abort()
    return payload
  })
}

function isAction(request: FastifyRequest, reply: FastifyReply): boolean {
  const { method, headers } = request
  const route = request.routeOptions.url ?? ''
  const isRefused = reply.statusCode >= 400
  if (PARTS.has(route) && !isRefused) return false
  if (method !== 'GET' && method !== 'HEAD') return true
  // A wrong token, whatever it was sent with. A browser that has not logged in yet has done nothing.
  return LOG_INS.has(route) || (reply.statusCode === 401 && headers.authorization !== undefined)
}

function actionOf(request: FastifyRequest, reply: FastifyReply, nowMs: number): Audited {
  const identity = request.asking?.identity
  return {
    at: new Date(nowMs).toISOString(),
    user: identity?.user ?? 'nobody',
    role: identity?.role ?? null,
    from: request.ip,
    action: `${request.method} ${request.routeOptions.url ?? '(no such route)'}`,
    what: whatOf(request),
    status: reply.statusCode,
  }
}

function whatOf({ params, body }: FastifyRequest): string {
  const said = { ...objectOf(body), ...objectOf(params) }
  // Whoever pastes a whole key means its id.
  if (typeof said.id === 'string') said.id = said.id.split('.', 1)[0]
  const parts = SAYS_WHAT.flatMap(name => (Object.hasOwn(said, name) ? [`${name}=${shown(said[name])}`] : []))
  const text = parts.join(' ')
  return text.length > MAX_WHAT_LENGTH ? `${text.slice(0, MAX_WHAT_LENGTH)}…` : text
}

function shown(value: unknown): string {
  if (!Array.isArray(value) || value.length <= SHOWN_LETTERS) return typeof value === 'string' ? value : (JSON.stringify(value) ?? '')
  return `${JSON.stringify(value.slice(0, SHOWN_LETTERS)).slice(0, -1)},… ${value.length} in all]`
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}
