import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { isMillraceError, MillraceError } from '../../errors.ts'
import type { LogInCode, Session } from '../api/session.ts'
import type { Identity } from '../log-in/identity.ts'
import { type Asking, BEGUN_MS, type LogIn, SESSION_MS, sessionCookie } from '../log-in/log-in.ts'
import type { Begun } from '../log-in/oidc.ts'
import { goOnPage, logInPage, PAGE_CSS, safePath } from '../log-in/pages.ts'
import { invalid, type Query, textIn } from '../query.ts'

const BEGUN_COOKIE = 'millrace_log_in'
const MAX_TOKEN_LENGTH = 512

/** Logging in and out: by token, by a code that a program asks for, by a provider. */
export function sessionRoutes(server: FastifyInstance, { logIn, url }: { readonly logIn: LogIn; readonly url: string | undefined }): void {
  const isSecure = (request: FastifyRequest) =>
    url === undefined ? request.headers['x-forwarded-proto'] === 'https' : url.startsWith('https:')

  function cookie(request: FastifyRequest, sameSite: 'strict' | 'lax', maxAgeMs: number) {
    return { path: '/', httpOnly: true, sameSite, secure: isSecure(request), maxAge: Math.floor(maxAgeMs / 1_000) }
  }

  /** Ends the session that there was: a log-in begins another, whose cookie nobody has seen. */
  function begin(request: FastifyRequest, reply: FastifyReply, identity: Identity): Asking {
    logIn.end(request.cookies[sessionCookie(request)])
    const { secret, session } = logIn.begin(identity)
    reply.setCookie(sessionCookie(request), secret, cookie(request, 'strict', SESSION_MS))
    request.asking = { identity, session }
    return request.asking
  }

  /**
   * One attempt, which counts where it fails. Whoever has what logs in gets in, however many have failed from the same address: behind a proxy that
   * is everyone's, and a stranger could keep all operators out.
   */
  async function attempt(request: FastifyRequest, identify: () => Identity | Promise<Identity>): Promise<Identity> {
    try {
      return await identify()
    } catch (error) {
      if (isMillraceError(error, 'LOG_IN_INVALID') || isMillraceError(error, 'ROLE_MISSING')) {
        logIn.attempts.check(request.ip)
        logIn.attempts.failed(request.ip)
      }
      throw error
    }
  }

  /** What a person is told where an attempt failed, on the page to try again at. */
  function pageOf(reply: FastifyReply, error: unknown, to: string): FastifyReply {
    if (!isMillraceError(error)) throw error
    const page = logInPage({ oidc: logIn.oidc !== undefined, token: logIn.takesTokens, to, problem: error.message })
    return html(reply.code(error.status), page)
  }

  server.get('/v1/session', request => sessionOf(askingIn(request), logIn))
  server.post('/v1/session', async (request, reply) => {
    const token = tokenIn(request.body)
    const identity = await attempt(request, () => logIn.byToken(`Bearer ${token}`, {}))
    return sessionOf(begin(request, reply, identity), logIn)
  })
  server.delete('/v1/session', async (request, reply) => {
    logIn.end(request.cookies[sessionCookie(request)])
    return reply.clearCookie(sessionCookie(request), { path: '/' }).code(204).send()
  })
  server.post('/v1/session/code', async (request): Promise<LogInCode> => {
    const { identity, session } = askingIn(request)
    // A browser's session that could make links would outlive its end by them.
    if (session !== undefined) throw new MillraceError('REQUEST_FORBIDDEN', 'A link is made for a program, which sends a token.')
    return { path: `/auth/code/${logIn.codeFor(identity)}` }
  })

  server.get('/auth/page.css', (_request, reply) =>
    reply.header('cache-control', 'no-cache').type('text/css; charset=utf-8').send(PAGE_CSS),
  )
  server.get<{ Querystring: Query }>('/auth/log-in', (request, reply) => {
    const to = safePath(textIn(request.query, 'to'))
    return html(reply, logInPage({ oidc: logIn.oidc !== undefined, token: logIn.takesTokens, to }))
  })
  server.get<{ Params: { code: string } }>('/auth/code/:code', async (request, reply) => {
    try {
      begin(request, reply, await attempt(request, () => logIn.byCode(request.params.code)))
      return html(reply, goOnPage('/console/'))
    } catch (error) {
      return pageOf(reply, error, '/console/')
    }
  })
  server.register(async scope => {
    // A form's body, here alone: elsewhere a form of another site could send it.
    scope.addContentTypeParser('application/x-www-form-urlencoded', { parseAs: 'string' }, (_request, body, done) =>
      done(null, Object.fromEntries(new URLSearchParams(String(body)))),
    )
    scope.post('/auth/token', async (request, reply) => {
      const given: { token?: unknown; to?: unknown } = typeof request.body === 'object' && request.body !== null ? request.body : {}
      const to = safePath(typeof given.to === 'string' ? given.to : undefined)
      try {
        const token = tokenIn(request.body)
        begin(request, reply, await attempt(request, () => logIn.byToken(`Bearer ${token}`, {})))
        return html(reply, goOnPage(to))
      } catch (error) {
        return pageOf(reply, error, to)
      }
    })
  })

  const { oidc } = logIn
  if (oidc === undefined) return
  server.get<{ Querystring: Query }>('/auth/login', async (request, reply) => {
    const to = safePath(textIn(request.query, 'to'))
    try {
      const { url: at, begun } = await oidc.begin(`${url ?? `http://${request.headers.host}`}/auth/callback`, to)
      // The provider sends the browser back from its own site, which a strict cookie would not survive.
      reply.setCookie(BEGUN_COOKIE, logIn.begun.put(begun), { ...cookie(request, 'lax', BEGUN_MS), path: '/auth/' })
      return reply.redirect(at)
    } catch (error) {
      return pageOf(reply, error, to)
    }
  })
  server.get('/auth/callback', async (request, reply) => {
    const begun = logIn.begun.take(request.cookies[BEGUN_COOKIE])
    reply.clearCookie(BEGUN_COOKIE, { path: '/auth/' })
    try {
      begin(request, reply, await attempt(request, () => oidc.finish(begunIn(begun), request.url)))
      return html(reply, goOnPage(begun?.to ?? '/console/'))
    } catch (error) {
      return pageOf(reply, error, begun?.to ?? '/console/')
    }
  })
}

function begunIn(begun: Begun | undefined): Begun {
  if (begun !== undefined) return begun
  throw new MillraceError('LOG_IN_INVALID', 'This log-in was not begun in this browser, or longer ago than ten minutes.', {
    fix: 'Log in again.',
  })
}

function askingIn({ asking }: FastifyRequest): Asking {
  // The guard has thrown where there is none.
  if (asking === undefined) throw new MillraceError('LOG_IN_MISSING', 'Nobody is logged in.')
  return asking
}

function sessionOf({ identity, session }: Asking, logIn: LogIn): Session {
  return { user: identity.user, role: identity.role, log_in: logIn.kind, csrf: session?.csrf ?? null }
}

function tokenIn(body: unknown): string {
  const { token }: { token?: unknown } = typeof body === 'object' && body !== null ? body : {}
  if (typeof token === 'string' && token !== '' && token.length <= MAX_TOKEN_LENGTH) return token.trim()
  throw invalid('The body has no token.', 'Send {"token": "…"}.')
}

function html(reply: FastifyReply, page: string): FastifyReply {
  return reply.type('text/html; charset=utf-8').send(page)
}
