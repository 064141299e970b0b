import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startOps } from '../../src/console/index.ts'
import { type Listening, listen } from './ops.ts'

describe('the operators’ listener', () => {
  let ops: Listening
  beforeAll(async () => {
    ops = await listen([])
  })
  afterAll(() => ops[Symbol.asyncDispose]())

  test.each(['attacker.example', 'attacker.example:7071', '127.0.0.1.attacker.example', 'localhost.attacker.example'])(
    'refuses a name that was rebound to loopback: %s',
    async host => {
      for (const path of ['/v1/topics', '/metrics', '/', '/no-such-route'])
        expect(await ops.get(path, { host })).toMatchObject({ status: 403, json: { code: 'REQUEST_FORBIDDEN' } })
    },
  )

  test.each(['localhost', 'localhost:9999', '127.0.0.1', '[::1]:80'])('answers to a name of loopback: %s', async host => {
    expect((await ops.get('/v1/topics', { host })).status).toBe(200)
  })

  test('takes changes from no other site’s page', async () => {
    for (const headers of [
      { origin: 'https://attacker.example' },
      { origin: 'null' },
      { origin: 'http://127.0.0.1:1' },
      { 'sec-fetch-site': 'cross-site' },
    ] as Record<string, string>[])
      expect(await ops.post('/v1/dead/replay', { letters: [1] }, headers)).toMatchObject({
        status: 403,
        json: { code: 'REQUEST_FORBIDDEN' },
      })
    const own = { origin: ops.url, host: new URL(ops.url).host, 'sec-fetch-site': 'same-origin' }
    expect((await ops.post('/v1/dead/replay', { letters: [1] }, own)).status).toBe(200)
  })

  test.each(['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', ''])(
    'takes no body that a form can send: %s',
    async type => {
      expect((await ops.post('/v1/dead/discard', '{"letters":[1]}', { 'content-type': type })).status).toBe(415)
    },
  )

  test('refuses a body that is not JSON, or would reach a prototype, or is too large', async () => {
    for (const body of ['{', '{"__proto__": {"letters": [1]}}', '{"letters": [1], "constructor": {"prototype": {}}}'])
      expect(await ops.post('/v1/dead/replay', body)).toMatchObject({ status: 400, json: { code: 'BODY_MALFORMED' } })
    expect(await ops.post('/v1/dead/replay', `[${' '.repeat(2_000_000)}]`)).toMatchObject({ status: 413 })
  })

  test('tells browsers to load, frame and guess nothing from elsewhere, also with an error', async () => {
    for (const path of ['/', '/v1/topics', '/no-such-route']) {
      const { headers } = await ops.get(path)
      expect(headers['content-security-policy']).toContain("default-src 'none'")
      expect(headers['content-security-policy']).toContain("frame-ancestors 'none'")
      expect(headers['content-security-policy']).not.toContain('unsafe')
      expect(headers['x-content-type-options']).toBe('nosniff')
      expect(headers['access-control-allow-origin']).toBeUndefined()
    }
  })

  test('answers errors as problem details', async () => {
    expect(await ops.get('/v1/nothing?secret=1')).toMatchObject({
      status: 404,
      headers: { 'content-type': 'application/problem+json; charset=utf-8' },
      json: { code: 'ROUTE_UNKNOWN', status: 404, detail: expect.not.stringContaining('secret') },
    })
    expect(await ops.get('/v1/dead/%ff')).toMatchObject({ status: 400, json: { code: 'QUERY_INVALID' } })
  })

  test('says what there is at /', async () => {
    const { text } = await ops.get('/')
    for (const path of ['/v1/trace/:id', '/v1/dead/replay', '/metrics', '/health/live']) expect(text).toContain(path)
  })

  test('says that its address is in use, and what to do', async () => {
    const { scene, health, instruments } = ops
    const address = { host: '127.0.0.1', port: Number(new URL(ops.url).port) }
    await expect(
      startOps({
        engine: scene.engine,
        health,
        instruments,
        clock: scene.clock,
        address,
        runsOn: { stream: 'embedded', trace: 'embedded', version: '' },
      }),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringMatching(/is in use.*--ops/),
    })
  })
})

describe('a page', () => {
  let directory: string
  let ops: Listening
  beforeAll(async () => {
    const parent = await mkdtemp(join(tmpdir(), 'millrace-page-'))
    directory = join(parent, 'page')
    await mkdir(directory)
    await writeFile(join(directory, 'index.html'), '<h1>grid</h1>')
    await writeFile(join(directory, 'page.js'), 'export {}')
    await writeFile(join(directory, '.secret'), 'hidden')
    await writeFile(join(parent, 'outside.txt'), 'outside')
    ops = await listen([], { pageDirectory: directory })
  })
  afterAll(async () => {
    await ops[Symbol.asyncDispose]()
    await rm(join(directory, '..'), { recursive: true })
  })

  test('is served at /, beside the API', async () => {
    expect(await ops.get('/')).toMatchObject({ status: 200, text: '<h1>grid</h1>' })
    expect(await ops.get('/page.js')).toMatchObject({ status: 200, headers: { 'content-type': expect.stringContaining('javascript') } })
    expect((await ops.get('/v1/topics')).status).toBe(200)
  })

  test('changes when its files do', async () => {
    await writeFile(join(directory, 'page.js'), 'export const changed = 1')
    expect((await ops.get('/page.js')).text).toBe('export const changed = 1')
  })

  test.each([
    '/../outside.txt',
    '/%2e%2e/outside.txt',
    '/..%2foutside.txt',
    '/..%5coutside.txt',
    '/x/../../outside.txt',
    '//outside.txt',
    '/.secret',
    '/%00',
    '/page.js%00.html',
  ])('has no way out of its directory and shows nothing hidden: %s', async path => {
    const answer = await ops.get(path)
    expect(answer.status).toBeGreaterThanOrEqual(400)
    expect(answer.status).toBeLessThan(500)
    expect(answer.text).not.toMatch(/^(outside|hidden)$/)
  })
})

test('a page’s folder that is not there is refused at the start', async () => {
  const refused = listen([], { pageDirectory: '/nowhere/page' })
  await expect(refused).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('/nowhere/page') })
  await expect(refused).rejects.toThrow('--page')
})
