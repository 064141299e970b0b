import type { FastifyInstance, FastifyRequest } from 'fastify'
import { MillraceError } from '../errors.ts'
import { isLoopback, isLoopbackAuthority } from '../frontend/loopback.ts'

/**
 * What stands between a web page in the operator's own browser and this listener, which has no keys: it is on loopback, where
 * every page that the browser opens can reach it.
 */
export function guard(server: FastifyInstance, host: string): void {
  const loopback = isLoopback(host)
  server.addHook('onRequest', async (request, reply) => {
    reply.headers(SECURITY_HEADERS)
    // DNS rebinding: a name of the attacker's that resolves to 127.0.0.1 would make this listener same-origin with the attacker's page.
    if (loopback && !isLoopbackAuthority(request.headers.host ?? '')) {
      throw new MillraceError('REQUEST_FORBIDDEN', `The Host header says ${JSON.stringify(request.headers.host ?? '')}.`, {
        fix: 'On a loopback address this listener answers to localhost, 127.0.0.1 and [::1] only.',
      })
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') checkOrigin(request)
  })
}

const SECURITY_HEADERS = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
}

/** A browser says where a request that changes something comes from; a program says nothing, and has no operator's browser to abuse. */
function checkOrigin(request: FastifyRequest): void {
  const { origin } = request.headers
  const site = request.headers['sec-fetch-site']
  const own = origin === undefined || (URL.canParse(origin) && new URL(origin).host === request.headers.host)
  if (own && (site === undefined || site === 'same-origin' || site === 'none')) return
  throw new MillraceError('REQUEST_FORBIDDEN', `The request comes from a page of ${origin ?? 'another site'}.`, {
    fix: 'Ask from a page that this listener serves, or from a program.',
  })
}
