import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isMillraceError, MillraceError } from '../errors.ts'
import { isLoopbackAuthority } from '../frontend/loopback.ts'
import type { Guarding } from './log-in/guarding.ts'
import { type Asking, isSame, type LogIn, sessionCookie } from './log-in/log-in.ts'
import { OpenAnswers } from './log-in/open-answers.ts'
import { logInPage } from './log-in/pages.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks; undefined where nobody is logged in, on a route that asks nobody. */
    asking: Asking | undefined
  }
}

/** What is answered without a log-in: by it one logs in, or it says no more than yes or no. */
const ASKS_NOBODY: ReadonlySet<string> = new Set([
  ...['GET /health/live', 'GET /health/ready', 'POST /v1/session'],
  ...['GET /auth/log-in', 'GET /auth/page.css', 'GET /auth/code/:code', 'POST /auth/token', 'GET /auth/login', 'GET /auth/callback'],
])
/** Changes that every role may make: they are of one's own session. */
const OF_ONESELF: ReadonlySet<string> = new Set(['DELETE /v1/session', 'POST /v1/session/code'])

/**
 * What stands before every route: who asks, whether that one may do it, and whether it is asked from where it may be. Routes say nothing of it but
 * their method: to look is for every role, to change for operators.
 */
export function guard(server: FastifyInstance, guarding: Guarding): void {
  const { logIn, open, isPrivate, clock } = guarding
  const answers = new OpenAnswers(logIn, clock)
  const asksNobody = new Set([...ASKS_NOBODY, ...(open === 'health' ? [] : ['GET /metrics'])])
  server.decorateRequest('asking', undefined)
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    checkHost(request, guarding)
    const isChange = request.method !== 'GET' && request.method !== 'HEAD'
    if (isChange) checkOrigin(request, guarding.url)
    const route = `${isChange ? request.method : 'GET'} ${request.routeOptions.url}`
    try {
      request.asking = logIn.whoAsks(request, isPrivate)
    } catch (error) {
      if (asksNobody.has(route)) return
      return refused(request, reply, logIn, error)
    }
    if (asksNobody.has(route)) return
    const { identity, session } = request.asking
    answers.add(reply, request.asking, request.cookies[sessionCookie(request)])
    if (!isChange) return
    if (session !== undefined) checkCsrf(request, session.csrf)
    if (identity.role !== 'operator' && !OF_ONESELF.has(route))
      throw new MillraceError('ROLE_MISSING', `${identity.user} is a ${identity.role}, and may look at everything and change nothing.`, {
        fix: 'Ask an operator.',
      })
  })
  // Who does it is who is logged in, whatever the request says.
  server.addHook('preHandler', async ({ asking, body }) => {
    const by = asking?.identity.by
    if ((by === 'token' || by === 'oidc') && typeof body === 'object' && body !== null) Object.assign(body, { by: asking?.identity.user })
  })
  server.addHook('onClose', async () => answers.close())
}

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  // Not no-referrer: a form's Origin would be null then, also to our own log-in.
  'referrer-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/** A wrong log-in counts as an attempt. A browser that asks for a page gets the one to log in at. */
function refused(request: FastifyRequest, reply: FastifyReply, logIn: LogIn, error: unknown): FastifyReply {
  if (!isMillraceError(error)) throw error
  if (error.code === 'LOG_IN_INVALID') {
    logIn.attempts.check(request.ip)
    logIn.attempts.failed(request.ip)
  }
  if (error.code !== 'LOG_IN_MISSING' || request.method !== 'GET' || request.headers.accept?.includes('text/html') !== true) throw error
  const page = logInPage({ oidc: logIn.oidc !== undefined, token: logIn.takesTokens, to: request.url })
  return reply.code(401).header('cache-control', 'no-store').type('text/html; charset=utf-8').send(page)
}

/** DNS rebinding: a name of the attacker's that resolves to 127.0.0.1 would make this listener same-origin with the attacker's page. */
function checkHost({ headers: { host = '' } }: FastifyRequest, { isLoopback, url }: Guarding): void {
  if (!isLoopback || isLoopbackAuthority(host) || (url !== undefined && host === new URL(url).host)) return
  throw new MillraceError('REQUEST_FORBIDDEN', `The Host header says ${JSON.stringify(host)}.`, {
    fix: 'On a loopback address this listener answers to localhost, 127.0.0.1 and [::1] only, and to the name that --ops-url gives.',
  })
}

/** A browser says where a request that changes something comes from; a program says nothing, and has no operator's browser to abuse. */
function checkOrigin(request: FastifyRequest, url: string | undefined): void {
  const { origin } = request.headers
  const site = request.headers['sec-fetch-site']
  const own =
    origin === undefined ||
    (URL.canParse(origin) && new URL(origin).host === request.headers.host) ||
    (url !== undefined && origin === new URL(url).origin)
  if (own && (site === undefined || site === 'same-origin' || site === 'none')) return
  throw new MillraceError('REQUEST_FORBIDDEN', `The request comes from a page of ${origin ?? 'another site'}.`, {
    fix: 'Ask from a page that this listener serves, or from a program.',
  })
}

/** A cookie goes with every request, whoever made the browser send it; what GET /v1/session says is read by our own pages alone. */
function checkCsrf(request: FastifyRequest, csrf: string): void {
  const given = request.headers['x-csrf-token']
  if (typeof given === 'string' && isSame(given, csrf)) return
  throw new MillraceError('REQUEST_FORBIDDEN', 'The change has not the x-csrf-token of this session.', {
    fix: 'Send what GET /v1/session says as `csrf`.',
  })
}
