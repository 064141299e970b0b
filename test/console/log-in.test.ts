import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { OpsOptions } from '../../src/console/index.ts'
import { addToken, tokenFile } from '../../src/console/log-in/tokens.ts'
import { until } from '../frontend/door.ts'
import { type Answer, type Listening, listen } from './ops.ts'

let directory: string
let tokensFile: string
let viewer: string
let operator: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-log-in-'))
  tokensFile = join(directory, 'ops-tokens.json')
  // The scene's clock stands in January 2026.
  viewer = (await addToken(tokensFile, { user: 'vera', role: 'viewer' })).key
  operator = (await addToken(tokensFile, { user: 'otto', role: 'operator' })).key
})
afterAll(() => rm(directory, { recursive: true }))

function guarded(options: Partial<OpsOptions> = {}): Promise<Listening> {
  return listen([], { access: { tokensFile, open: 'health', pass: 'the pass of this run' }, ...options })
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

/** The cookie that an answer sets, as a browser sends it back. */
function cookieOf({ headers }: Answer): string {
  return headers['set-cookie']?.[0]?.split(';', 1)[0] ?? ''
}

describe('beyond loopback', () => {
  const address = { host: '0.0.0.0', port: 0 }
  const nobody = () => ({ tokensFile: join(directory, 'none.json'), open: 'health' as const })

  test('it refuses to start where nobody logs in, and says what to do', async () => {
    const refused = listen([], { address, access: nobody() })
    await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('0.0.0.0') })
    await expect(refused).rejects.toThrow(/console token add.*--oidc-issuer.*--ops-open/s)
    await expect(listen([], { address })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
    // A proxy of this machine brings others here.
    await expect(listen([], { access: { ...nobody(), url: 'https://grid.example.com' } })).rejects.toThrow('https://grid.example.com')
  })

  test('it starts with a token, and answers nobody without one but yes or no', async () => {
    await using ops = await guarded({ address })
    ops.health.up('engine')
    for (const path of ['/v1/topics', '/metrics', '/v1/session', '/v1/events', '/no-such-route', '/console/'])
      expect([path, await ops.get(path)]).toMatchObject([path, { status: 401, json: { code: 'LOG_IN_MISSING' } }])
    expect(await ops.get('/health/ready')).toMatchObject({ status: 200, text: '{"ok":true}' })
    expect((await ops.get('/health/ready', bearer(viewer))).json).toMatchObject({ ok: true, parts: [{ part: 'engine' }] })
    expect((await ops.get('/metrics', bearer(viewer))).status).toBe(200)
  })

  test('it may be told to let metrics out, and then nothing else', async () => {
    await using ops = await listen([], { address, access: { ...nobody(), open: 'metrics' } })
    expect([(await ops.get('/metrics')).status, (await ops.get('/v1/topics')).status]).toEqual([200, 401])
    expect(ops.warnings).toEqual([])
  })

  test('it may be told to let everything out, and says so', async () => {
    await using ops = await listen([], { address, access: { ...nobody(), open: 'all' } })
    expect((await ops.get('/v1/session')).json).toEqual({ user: 'local', role: 'operator', log_in: 'none', csrf: null })
    expect((await ops.post('/v1/dead/replay', { letters: [1] })).status).toBe(200)
    expect(ops.warnings).toMatchObject([expect.stringContaining('--ops-open all')])
  })
})

describe('on loopback', () => {
  test('nobody is asked until there is a token, and then everyone', async () => {
    const own = join(directory, 'later.json')
    await using ops = await listen([], { access: { tokensFile: own, open: 'health' } })
    expect((await ops.get('/v1/session')).json).toEqual({ user: 'local', role: 'operator', log_in: 'none', csrf: null })
    // A program that has a token for elsewhere is not refused here.
    expect((await ops.get('/v1/topics', bearer(operator))).status).toBe(200)
    const { key, record } = await addToken(own, { user: 'ada', role: 'viewer' })
    await until(async () => {
      await ops.scene.clock.advance('1s')
      return (await ops.get('/v1/topics')).status === 401
    })
    expect((await ops.get('/v1/session', bearer(key))).json).toEqual({ user: 'ada', role: 'viewer', log_in: 'token', csrf: null })
    // Revoking the last one opens no door.
    await tokenFile(own).revoke(record.id, 0)
    await until(async () => {
      await ops.scene.clock.advance('1s')
      return (await ops.get('/v1/topics', bearer(key))).status === 401
    })
    expect((await ops.get('/v1/topics')).status).toBe(401)
  })

  test('who can read the data directory gets in by the pass of the run', async () => {
    await using ops = await guarded()
    expect((await ops.get('/v1/session', bearer('the pass of this run'))).json).toMatchObject({ user: 'local', role: 'operator' })
    expect((await ops.get('/v1/session', bearer('the pass of another'))).status).toBe(401)
  })
})

describe('a token', () => {
  test('is kept as a hash in a file of its owner alone', async () => {
    const text = await readFile(tokensFile, 'utf8')
    expect(text).not.toContain(operator.split('.')[1])
    expect(Buffer.from(operator.split('.')[1]!, 'base64url')).toHaveLength(32)
    expect((await stat(tokensFile)).mode & 0o777).toBe(0o600)
  })

  test('lets a viewer look at everything and change nothing, and an operator do both', async () => {
    await using ops = await guarded()
    for (const token of [viewer, operator]) expect((await ops.get('/v1/dead', bearer(token))).status).toBe(200)
    expect(await ops.post('/v1/dead/discard', { letters: [1] }, bearer(viewer))).toMatchObject({
      status: 403,
      json: { code: 'ROLE_MISSING' },
    })
    expect((await ops.ask('DELETE', '/v1/nothing', bearer(viewer))).status).toBe(403)
    expect((await ops.post('/v1/dead/discard', { letters: [1] }, bearer(operator))).status).toBe(200)
  })

  test.each(['o', 'o.', 'oabc.def', 'k1.secret'])('that is none is refused: %j', async token => {
    await using ops = await guarded()
    expect(await ops.get('/v1/topics', bearer(token))).toMatchObject({ status: 401, json: { code: 'LOG_IN_INVALID' } })
  })

  test('that is revoked is refused within a second, and cuts off what is open by it', async () => {
    await using ops = await guarded()
    const { key, record } = await addToken(tokensFile, { user: 'eve', role: 'viewer' })
    await until(async () => {
      await ops.scene.clock.advance('500ms')
      return (await ops.get('/v1/topics', bearer(key))).status === 200
    })
    const stays = await fetch(`${ops.url}/v1/events`, { headers: bearer(viewer) })
    const ends = await fetch(`${ops.url}/v1/events`, { headers: bearer(key) })
    await tokenFile(tokensFile).revoke(record.id, 0)
    let ended = ''
    void read(ends).then(
      () => {
        ended = 'as it would by itself'
      },
      (error: Error) => {
        ended = error.message
      },
    )
    await until(async () => {
      await ops.scene.clock.advance('500ms')
      return ended !== ''
    })
    expect(ended).toBe('terminated')
    expect((await ops.get('/v1/topics', bearer(key))).status).toBe(401)
    expect(await stays.body?.getReader().read()).toMatchObject({ done: false })
    await stays.body?.cancel().catch(() => undefined)
  })

  test('ends when it is said to', async () => {
    await using ops = await guarded()
    const { key } = await addToken(tokensFile, { user: 'tim', role: 'viewer', expiresMs: ops.scene.clock.now() + 60_000 })
    await until(async () => {
      await ops.scene.clock.advance('500ms')
      return (await ops.get('/v1/topics', bearer(key))).status === 200
    })
    await ops.scene.clock.advance('1m')
    expect((await ops.get('/v1/topics', bearer(key))).status).toBe(401)
  })

  async function read(response: Response): Promise<void> {
    for await (const _chunk of response.body ?? []);
  }
})

describe('a browser', () => {
  const html = { accept: 'text/html,application/xhtml+xml' }

  test('gets a page to log in at, which brings it to where it wanted', async () => {
    await using ops = await guarded()
    const page = await ops.get('/console/agents?a="<b>', html)
    expect(page).toMatchObject({ status: 401, headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect(page.text).toContain('action="/auth/token"')
    expect(page.text).not.toMatch(/<b>|<script|style=/)
    const form = { 'content-type': 'application/x-www-form-urlencoded' }
    const done = await ops.post('/auth/token', `token=${operator}&to=%2Fconsole%2Fagents`, form)
    expect(done).toMatchObject({ status: 200, text: expect.stringContaining('url=/console/agents') })
    expect(done.headers['set-cookie']?.[0]).toMatch(/^millrace_session_\d+=[\w-]{43}; Max-Age=43200; Path=\/; HttpOnly; SameSite=Strict$/)
    expect((await ops.get('/v1/topics', { cookie: cookieOf(done) })).status).toBe(200)
    const wrong = await ops.post('/auth/token', 'token=x.y&to=https://attacker.example', form)
    expect(wrong).toMatchObject({ status: 401, text: expect.stringContaining('unknown, revoked or expired') })
    expect(wrong.text).not.toContain('attacker')
    expect((await ops.post('/auth/token', `token=${operator}`, { ...form, origin: 'https://attacker.example' })).status).toBe(403)
  })

  test.each(['//attacker.example', '/\\attacker.example', 'https://attacker.example', '/auth/login'])(
    'is sent nowhere else: %s',
    async to => {
      await using ops = await guarded()
      const done = await ops.post('/auth/token', new URLSearchParams({ token: viewer, to }).toString(), {
        'content-type': 'application/x-www-form-urlencoded',
      })
      expect(done.text).toContain('url=/console/')
      expect(done.text).not.toContain('attacker')
    },
  )

  test('changes only with its session’s x-csrf-token, until it logs out', async () => {
    await using ops = await guarded()
    const begun = await ops.post('/v1/session', { token: operator })
    expect(begun.json).toMatchObject({ user: 'otto', role: 'operator', log_in: 'token', csrf: expect.stringMatching(/^[\w-]{43}$/) })
    const cookie = cookieOf(begun)
    const { csrf } = (await ops.get('/v1/session', { cookie })).json
    expect(csrf).toBe(begun.json.csrf)
    const change = (headers: Record<string, string>) => ops.post('/v1/dead/discard', { letters: [1] }, { cookie, ...headers })
    expect(await change({})).toMatchObject({ status: 403, json: { code: 'REQUEST_FORBIDDEN' } })
    expect((await change({ 'x-csrf-token': 'x'.repeat(43) })).status).toBe(403)
    expect((await change({ 'x-csrf-token': csrf })).status).toBe(200)
    expect((await change({ 'x-csrf-token': csrf, origin: 'https://attacker.example' })).status).toBe(403)
    expect((await ops.ask('DELETE', '/v1/session', { cookie })).status).toBe(403)
    expect((await ops.ask('DELETE', '/v1/session', { cookie, 'x-csrf-token': csrf })).status).toBe(204)
    expect((await ops.get('/v1/session', { cookie })).status).toBe(401)
  })

  test('is logged out after twelve hours', async () => {
    await using ops = await guarded()
    const cookie = cookieOf(await ops.post('/v1/session', { token: viewer }))
    await ops.scene.clock.advance('11h')
    expect((await ops.get('/v1/session', { cookie })).status).toBe(200)
    await ops.scene.clock.advance('1h')
    expect((await ops.get('/v1/session', { cookie })).status).toBe(401)
  })

  test('gets a cookie for TLS alone where its proxy has TLS', async () => {
    await using ops = await guarded({ access: { tokensFile, open: 'health', url: 'https://grid.example.com' } })
    const own = { host: 'grid.example.com', origin: 'https://grid.example.com' }
    const begun = await ops.post('/v1/session', { token: viewer }, own)
    expect(begun.headers['set-cookie']?.[0]).toContain('; Secure;')
    expect((await ops.post('/v1/session', { token: viewer }, { host: 'attacker.example' })).status).toBe(403)
  })

  test('is let in by a program’s link, once, within a minute', async () => {
    await using ops = await guarded()
    const link = async () => (await ops.post('/v1/session/code', {}, bearer(viewer))).json.path
    const path = await link()
    const opened = await ops.get(path)
    expect(opened).toMatchObject({ status: 200, text: expect.stringContaining('url=/console/') })
    expect((await ops.get('/v1/session', { cookie: cookieOf(opened) })).json).toMatchObject({ user: 'vera', role: 'viewer' })
    expect((await ops.get(path)).status).toBe(401)
    const late = await link()
    await ops.scene.clock.advance('61s')
    expect((await ops.get(late)).status).toBe(401)
    expect((await ops.post('/v1/session/code', {})).status).toBe(401)
  })

  test('that fails ten times in a minute has to wait, and keeps nobody out who has a token', async () => {
    await using ops = await guarded()
    const tries = await Promise.all(Array.from({ length: 10 }, () => ops.post('/v1/session', { token: 'o.x' })))
    expect(new Set(tries.map(({ status }) => status))).toEqual(new Set([401]))
    expect(await ops.post('/v1/session', { token: 'o.x' })).toMatchObject({
      status: 429,
      headers: { 'retry-after': '60' },
      json: { code: 'LOG_IN_LIMITED' },
    })
    expect((await ops.get('/v1/topics', bearer(operator))).status).toBe(200)
    expect((await ops.post('/v1/session', { token: operator })).status).toBe(200)
    await ops.scene.clock.advance('1m')
    expect((await ops.post('/v1/session', { token: 'o.x' })).status).toBe(401)
  })
})
