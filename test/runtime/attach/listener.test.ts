import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { attached } from '../../../src/agents/remote/attached.ts'
import type { OpenRemote } from '../../../src/agents/remote.ts'
import { systemClock } from '../../../src/clock.ts'
import { KeyRing } from '../../../src/frontend/key-ring.ts'
import { addKey } from '../../../src/frontend/keys.ts'
import { completeLimits, type Limits } from '../../../src/frontend/limits.ts'
import { producerKeys } from '../../../src/frontend/producer-keys.ts'
import { addAgentKey, agentKeyFile } from '../../../src/runtime/attach/agent-keys.ts'
import { Desks } from '../../../src/runtime/attach/desks.ts'
import { listenForWorkers } from '../../../src/runtime/attach/listener.ts'
import { handOver } from '../../../src/testing/hand-over.ts'

const CLAIM = '/v1/agents/mood@1/claim'
const COMMIT = '/v1/agents/mood@1/commit'

interface Scene {
  readonly remote: OpenRemote
  readonly url: string
  readonly keysFile: string
  /** What the log was told as an error: nothing, in a test that expects nothing. */
  readonly errors: readonly string[]
  post(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>
  hand(datum: unknown): Promise<unknown>
}

interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read what the wire says, member by member
  readonly body: any
}

function keysFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-attach-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}

async function scene({ keysFile = join(keysFolder(), 'agent-keys.json'), limits = {} as Partial<Limits> } = {}): Promise<Scene> {
  const desks = new Desks()
  desks.use(['mood@1', 'late@1'])
  const errors: string[] = []
  const facts = { name: 'mood', version: 1, to: [], addressed: false, timeoutMs: 60_000, clock: systemClock }
  const remote = attached().open(facts, {
    held: () => undefined,
    log: () => undefined,
    attach: desk => desks.open('mood@1', desk),
  })
  const listener = await listenForWorkers({
    desks,
    address: { host: '127.0.0.1', port: 0 },
    keysFile,
    limits: completeLimits(limits),
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined, error: text => errors.push(text) },
  })
  onTestFinished(async () => {
    await remote.stop(0)
    await listener.close(1_000)
    expect(errors).toEqual([])
  })
  return {
    remote,
    url: listener.url,
    keysFile,
    errors,
    async post(path, body, headers = {}) {
      const response = await fetch(`${listener.url}${path}`, {
        method: 'POST',
        headers,
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      })
      const text = await response.text()
      return { status: response.status, headers: response.headers, body: text === '' ? undefined : JSON.parse(text) }
    },
    hand: datum => handOver(remote, datum, { dataId: 'id-1' }),
  }
}

const bearer = (key: string) => ({ authorization: `Bearer ${key}` })

it('gives data out as a batch of the protocol, and takes what came of them', async () => {
  const { post, hand } = await scene()
  const outputs = hand({ text: 'thänks' })
  const { status, headers, body } = await post(CLAIM, { most: 10, wait_ms: 1_000 })
  expect(status).toBe(200)
  expect(headers.get('content-type')).toBe('application/json')
  expect(body).toEqual({
    claim: expect.stringMatching(/^[\w-]{22}$/),
    timeout_ms: 60_000,
    data: [
      {
        n: 0,
        data_id: 'id-1',
        source: 'app',
        created: '1970-01-01T00:00:00.000Z',
        topic: 'feedback',
        attempt: 1,
        data: { text: 'thänks' },
      },
    ],
  })
  const results = [{ n: 0, outputs: [{ mood: 'göod' }] }]
  expect(await post(COMMIT, { claim: body.claim, results })).toMatchObject({ status: 200, body: { left: 0 } })
  expect(await outputs).toEqual([{ mood: 'göod' }])
})

it('answers 204 when nothing comes, at once or after a while; no body asks for what is usual', async () => {
  const { post, hand } = await scene()
  expect(await post(CLAIM, { wait_ms: 0 })).toMatchObject({ status: 204, body: undefined })
  const waiting = post(CLAIM)
  void hand(1)
  expect((await waiting).status).toBe(200)
})

it('gives what somebody left without to the next who comes', async () => {
  const { url, post, hand } = await scene()
  const gone = new AbortController()
  const left = fetch(`${url}${CLAIM}`, { method: 'POST', body: '{"wait_ms":20000}', signal: gone.signal }).catch(() => 'gone')
  // The listener has it when another request on its heels is answered.
  await post(CLAIM, { wait_ms: 0 })
  gone.abort()
  expect(await left).toBe('gone')
  // It has seen the connection end before it answers what came later.
  await post(CLAIM, { wait_ms: 0 })
  for (let n = 0; n < 3; n++) void hand(n)
  const found: unknown[] = []
  while (found.length < 3) {
    const { body } = await post(CLAIM, { most: 10, wait_ms: 5_000 })
    found.push(...body.data.map((item: { data: unknown }) => item.data))
  }
  expect(found.toSorted()).toEqual([0, 1, 2])
})

it.each([
  ['a path of something else', '/v1/topics/feedback', {}, 404, 'ROUTE_UNKNOWN'],
  ['an agent that does not run here', '/v1/agents/mood@2/claim', {}, 404, 'AGENT_UNKNOWN'],
  ['an agent without its version', '/v1/agents/mood/claim', {}, 404, 'AGENT_UNKNOWN'],
  ['an agent that is being started', '/v1/agents/late@1/claim', {}, 503, 'AGENT_AWAY'],
  ['a claim of nothing', CLAIM, { most: 0 }, 400, 'BODY_MALFORMED'],
  ['a claim that is no object', CLAIM, '7', 400, 'BODY_MALFORMED'],
  ['a wait in words', CLAIM, { wait_ms: 'long' }, 400, 'BODY_MALFORMED'],
  ['a claim that is not known', COMMIT, { claim: 'x', results: [] }, 409, 'LEASE_LOST'],
  ['a commit that is none', COMMIT, 'done', 400, 'BODY_MALFORMED'],
  ['a body beyond the limit', COMMIT, 'x'.repeat(2_000), 413, 'BODY_TOO_LARGE'],
] as const)('refuses %s with a problem', async (_, path, body, status, code) => {
  const { post } = await scene({ limits: { bodyBytes: 1_000 } })
  const answer = await post(path, body)
  expect(answer).toMatchObject({ status, body: { code, status } })
  expect(answer.headers.get('content-type')).toBe('application/problem+json')
  if (status === 503) expect(answer.headers.get('retry-after')).toBe('1')
})

it('answers to POST alone', async () => {
  const { url } = await scene()
  const response = await fetch(`${url}${CLAIM}`)
  expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST'])
})

it('takes an agent’s name with its @ percent-encoded', async () => {
  const { post } = await scene()
  expect((await post('/v1/agents/mood%401/claim', { wait_ms: 0 })).status).toBe(204)
})

it('with keys, gives nothing out without one that names the agent, and ends with a key that is revoked', async () => {
  const keysFile = join(keysFolder(), 'agent-keys.json')
  const add = async (agents: readonly string[] | '*') => (await addAgentKey(keysFile, { name: 'mood-pod', agents })).key
  const [own, version, all, other] = [await add(['mood']), await add(['mood@1']), await add('*'), await add(['mood@2', 'rank'])]
  const { post } = await scene({ keysFile })
  const claim = (headers: Record<string, string> = {}) => post(CLAIM, { wait_ms: 0 }, headers)
  expect(await claim()).toMatchObject({ status: 401, body: { code: 'KEY_MISSING' } })
  for (const key of [own, version, all]) expect((await claim(bearer(key))).status).toBe(204)
  expect(await claim(bearer(other))).toMatchObject({ status: 403, body: { code: 'AGENT_FORBIDDEN' } })
  expect(await post(COMMIT, { claim: 'x' }, bearer(other))).toMatchObject({ status: 403 })
  for (const wrong of [`${own}x`, own.slice(0, -1), 'a.b', '.']) {
    expect(await claim(bearer(wrong))).toMatchObject({ status: 401, body: { code: 'KEY_INVALID' } })
  }
  await agentKeyFile(keysFile).revoke(own.split('.')[0]!, Date.now())
  await expect.poll(async () => (await claim(bearer(own))).status, { timeout: 5_000 }).toBe(401)
  // Those that there were are gone, and the door is shut all the same.
  for (const key of [version, all, other]) await agentKeyFile(keysFile).revoke(key.split('.')[0]!, Date.now())
  await expect.poll(async () => (await claim()).status, { timeout: 5_000 }).toBe(401)
})

it('a worker’s key sends nothing', async () => {
  const folder = keysFolder()
  await addKey(join(folder, 'keys.json'), { source: 'app', topics: '*' })
  const { key } = await addAgentKey(join(folder, 'agent-keys.json'), { name: 'mood-pod', agents: '*' })
  const ring = await KeyRing.open(producerKeys(join(folder, 'keys.json')), systemClock)
  onTestFinished(() => ring.close())
  expect(() => ring.authenticate(`Bearer ${key}`, {})).toThrow('unknown, revoked or expired')
  // Nor is one file taken for the other.
  await expect(KeyRing.open(producerKeys(join(folder, 'agent-keys.json')), systemClock)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
})

it('takes no key of a producer', async () => {
  const folder = keysFolder()
  const { key } = await addKey(join(folder, 'keys.json'), { source: 'app', topics: '*' })
  const { post } = await scene({ keysFile: join(folder, 'agent-keys.json') })
  expect(await post(CLAIM, { wait_ms: 0 }, bearer(key))).toMatchObject({ status: 401, body: { code: 'KEY_INVALID' } })
})

it('without keys serves programs of this machine, and no web page that someone on it looks at', async () => {
  const { post } = await scene()
  expect(await post(CLAIM, { wait_ms: 0 }, { origin: 'https://elsewhere.example' })).toMatchObject({ status: 401 })
})

it('without keys does not listen where others can reach it', async () => {
  const starting = listenForWorkers({
    desks: new Desks(),
    address: { host: '0.0.0.0', port: 0 },
    keysFile: join(keysFolder(), 'agent-keys.json'),
    limits: completeLimits(),
    clock: systemClock,
    log: { info: () => undefined, warn: () => undefined, error: () => undefined },
  })
  await expect(starting).rejects.toMatchObject({ code: 'CONFIG_INVALID', message: expect.stringContaining('keys add') })
})
