import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Provider from 'oidc-provider'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { OidcSettings } from '../../src/console/log-in/oidc.ts'
import { type Listening, listen } from './ops.ts'

/** A real provider, on loopback, and people who log in at it. */
const PEOPLE: Readonly<Record<string, object>> = {
  ada: { email: 'ada@example.com', email_verified: true, groups: ['data-team', 'staff'] },
  bob: { email: 'bob@example.com', groups: ['staff'] },
  eve: { email: 'eve@example.com', groups: ['guests'] },
}

let directory: string
let server: Server
let issuer: string
let ops: Listening

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-oidc-'))
  let answer: ReturnType<Provider['callback']> | undefined
  server = createServer((request, response) => void answer?.(request, response))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}` // it listens
  ops = await listen([], { access: { tokensFile: join(directory, 'ops-tokens.json'), open: 'health', oidc: settings() } })
  answer = new Provider(issuer, {
    clients: [{ client_id: 'millrace', client_secret: 'of-the-client', redirect_uris: [`${ops.url}/auth/callback`] }],
    claims: { openid: ['sub', 'groups'], email: ['email', 'email_verified'] },
    // As many providers do it: the ID token has little, and the rest is asked for.
    conformIdTokenClaims: true,
    findAccount: (_context: unknown, sub: string) => ({ accountId: sub, claims: async () => ({ sub, ...PEOPLE[sub] }) }),
    features: { devInteractions: { enabled: true } },
    cookies: { keys: ['a key of this test'] },
  }).callback()
})
afterAll(async () => {
  await ops[Symbol.asyncDispose]()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
  await rm(directory, { recursive: true })
})

function settings(more: Partial<OidcSettings> = {}): OidcSettings {
  return {
    issuer,
    clientId: 'millrace',
    clientSecret: 'of-the-client',
    claim: 'groups',
    viewers: ['staff'],
    operators: ['data-team'],
    ...more,
  }
}

/** A browser: follows redirects and keeps cookies, of each host its own. */
class Browser {
  readonly #jars = new Map<string, Map<string, string>>()

  async open(
    url: string,
    form?: Record<string, string>,
  ): Promise<{ readonly url: string; readonly status: number; readonly text: string }> {
    const { host } = new URL(url)
    const jar = this.#jars.get(host) ?? new Map<string, string>()
    this.#jars.set(host, jar)
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie: [...jar].map(pair => pair.join('=')).join('; '), accept: 'text/html' },
      ...(form === undefined ? {} : { method: 'POST', body: new URLSearchParams(form) }),
    })
    for (const cookie of response.headers.getSetCookie()) {
      const [name = '', value = ''] = cookie.split(';', 1)[0]!.split(/=(.*)/s)
      if (value === '') jar.delete(name)
      else jar.set(name, value)
    }
    const location = response.headers.get('location')
    if (location !== null) return this.open(new URL(location, url).href)
    return { url, status: response.status, text: await response.text() }
  }

  cookies(url: string): string {
    return [...(this.#jars.get(new URL(url).host) ?? [])].map(pair => pair.join('=')).join('; ')
  }
}

/** Logs somebody in at the provider, up to where the browser is sent back. */
async function logIn(browser: Browser, person: string) {
  const asked = await browser.open(`${ops.url}/auth/login?to=/console/agents`)
  expect(asked.url).toContain(`${issuer}/interaction/`)
  const consent = await browser.open(asked.url, { prompt: 'login', login: person, password: 'any' })
  return browser.open(consent.url, { prompt: 'consent' })
}

test.each([
  ['ada', 'ada@example.com', 'operator'],
  ['bob', 'bob@example.com', 'viewer'],
])('%s logs in at the provider, and is %s, %s', async (person, user, role) => {
  const browser = new Browser()
  const done = await logIn(browser, person)
  expect(done).toMatchObject({ status: 200, text: expect.stringContaining('url=/console/agents') })
  const cookie = browser.cookies(ops.url)
  expect((await ops.get('/v1/session', { cookie })).json).toMatchObject({ user, role, log_in: 'oidc', csrf: expect.any(String) })
  // A code is good once.
  expect((await browser.open(done.url)).status).toBe(401)
})

test('who has no role is told so, and gets no session', async () => {
  const browser = new Browser()
  const done = await logIn(browser, 'eve')
  expect(done).toMatchObject({ status: 403, text: expect.stringContaining('eve@example.com has no role here') })
  expect((await ops.get('/v1/session', { cookie: browser.cookies(ops.url) })).status).toBe(401)
})

test('a log-in that another browser began, or that was tampered with, is none', async () => {
  const [victim, attacker] = [new Browser(), new Browser()]
  const asked = await attacker.open(`${ops.url}/auth/login`)
  const consent = await attacker.open(asked.url, { prompt: 'login', login: 'ada', password: 'any' })
  const callback = await callbackOf(attacker, consent.url)
  expect(await victim.open(callback)).toMatchObject({ status: 401, text: expect.stringContaining('not begun in this browser') })
  const tampered = new URL(callback)
  tampered.searchParams.set('state', 'another')
  expect((await attacker.open(tampered.href)).status).toBe(401)
  // It was taken by the try before.
  expect((await attacker.open(callback)).status).toBe(401)
})

test('the page to log in at leads to the provider, and the request there has PKCE, state and nonce', async () => {
  const page = await ops.get('/console/', { accept: 'text/html' })
  expect(page).toMatchObject({ status: 401, text: expect.stringContaining('href="/auth/login?to=%2Fconsole%2F"') })
  const { headers } = await ops.get('/auth/login')
  const { searchParams } = new URL(headers.location!)
  expect(Object.fromEntries(searchParams)).toMatchObject({
    response_type: 'code',
    code_challenge_method: 'S256',
    code_challenge: expect.stringMatching(/^[\w-]{43}$/),
    state: expect.any(String),
    nonce: expect.any(String),
    redirect_uri: `${ops.url}/auth/callback`,
  })
})

test('a provider that is away is told of, and asked again at the next log-in', async () => {
  const away = settings({ issuer: 'http://127.0.0.1:1' })
  await using other = await listen([], { access: { tokensFile: join(directory, 'none.json'), open: 'health', oidc: away } })
  const answer = await other.get('/auth/login')
  expect(answer).toMatchObject({ status: 503, text: expect.stringContaining('does not answer') })
})

test('a provider without TLS that is not on this machine, and browsers that nobody says the way to, are refused', async () => {
  const access = { tokensFile: join(directory, 'none.json'), open: 'health' as const }
  await expect(listen([], { access: { ...access, oidc: settings({ issuer: 'http://login.example.com' }) } })).rejects.toThrow('https://')
  const address = { host: '0.0.0.0', port: 0 }
  await expect(listen([], { address, access: { ...access, oidc: settings() } })).rejects.toThrow('--ops-url')
})

/** Consents, and reads where the provider would send the browser, without going there. */
async function callbackOf(browser: Browser, url: string): Promise<string> {
  let at = url
  let form: URLSearchParams | undefined = new URLSearchParams({ prompt: 'consent' })
  for (let steps = 0; steps < 10; steps++) {
    const response: Response = await fetch(at, {
      redirect: 'manual',
      headers: { cookie: browser.cookies(issuer) },
      ...(form === undefined ? {} : { method: 'POST', body: form }),
    })
    const to = new URL(response.headers.get('location')!, at).href
    if (to.startsWith(ops.url)) return to
    at = to
    form = undefined
  }
  throw new Error(`The provider did not send the browser back from ${url}.`)
}
