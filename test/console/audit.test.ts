import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readAudit } from '../../src/console/audit.ts'
import { addToken } from '../../src/console/log-in/tokens.ts'
import { type Listening, listen } from './ops.ts'

let directory: string
let tokensFile: string
let viewer: string
let operator: string

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'millrace-audit-'))
  tokensFile = join(directory, 'ops-tokens.json')
  viewer = (await addToken(tokensFile, { user: 'vera', role: 'viewer' })).key
  operator = (await addToken(tokensFile, { user: 'otto', role: 'operator' })).key
})
afterAll(() => rm(directory, { recursive: true }))

const guarded = () => listen([], { access: { tokensFile, open: 'health' }, keysFile: join(directory, 'keys.json') })
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })

async function audited(ops: Listening): Promise<[string, string | null, string, string, number][]> {
  const { actions } = (await ops.get('/v1/audit', bearer(viewer))).json as { actions: Awaited<ReturnType<typeof readAudit>> }
  for (const { at, from } of actions) expect([at, from]).toEqual([new Date(ops.scene.clock.now()).toISOString(), '127.0.0.1'])
  return actions.map(({ user, role, action, what, status }) => [user, role, action, what, status])
}

test('every action is in the audit log when it is answered, refused ones too, the newest first; looking is none', async () => {
  await using ops = await guarded()
  await ops.get('/v1/dead', bearer(viewer))
  await ops.get('/v1/dead')
  await ops.post('/v1/dead/discard', { letters: [12, 13], by: 'somebody else' }, bearer(operator))
  await ops.post('/v1/dead/replay', { letters: [1] }, bearer(viewer))
  await ops.get('/v1/dead', bearer('o.wrong'))
  await ops.post('/v1/session', { token: 'o.wrong' })
  await ops.post('/v1/session', { token: operator })
  expect(await audited(ops)).toEqual([
    ['otto', 'operator', 'POST /v1/session', '', 200],
    ['nobody', null, 'POST /v1/session', '', 401],
    ['nobody', null, 'GET /v1/dead', '', 401],
    // Refused before the body was read.
    ['vera', 'viewer', 'POST /v1/dead/replay', '', 403],
    ['otto', 'operator', 'POST /v1/dead/discard', 'letters=[12,13] by=otto', 200],
  ])
  expect((await ops.get('/v1/audit?limit=1', bearer(viewer))).json.actions).toMatchObject([{ user: 'otto', action: 'POST /v1/session' }])
})

test('it has no payload and no secret', async () => {
  await using ops = await guarded()
  await ops.post('/v1/dead/1/edit', { data: Buffer.from('"a secret"').toString('base64') }, bearer(operator))
  const { key } = (await ops.post('/v1/keys', { source: 'plant-7', topics: '*' }, bearer(operator))).json
  await ops.post(`/v1/keys/${key}/revoke`, {}, bearer(operator))
  const actions = await readAudit(ops.scene.engine, 10)
  expect(JSON.stringify(actions)).not.toMatch(new RegExp(`secret"|ImEgc2VjcmV0Ig|${key.split('.')[1]}`))
  expect(actions.map(({ action, what }) => [action, what])).toEqual([
    ['POST /v1/keys/:id/revoke', `id=${key.split('.')[0]} by=otto`],
    ['POST /v1/keys', 'source=plant-7 topics=* by=otto'],
    ['POST /v1/dead/:letter/edit', 'letter=1 by=otto'],
  ])
})

test('nobody can push others’ actions out of it by what is refused, with a log-in or without', async () => {
  await using ops = await guarded()
  for (const headers of [{}, bearer(viewer)]) await Promise.all(Array.from({ length: 70 }, () => ops.post('/v1/dead/replay', {}, headers)))
  await ops.post('/v1/dead/discard', { letters: [1] }, bearer(operator))
  const users = (await readAudit(ops.scene.engine, 1_000)).map(({ user }) => user)
  expect(['nobody', 'vera', 'otto'].map(user => users.filter(each => each === user).length)).toEqual([60, 60, 1])
})

test('without a log-in it is the user local', async () => {
  await using ops = await listen([])
  await ops.post('/v1/dead/discard', { letters: [1], by: 'ada@laptop' })
  expect(await readAudit(ops.scene.engine, 10)).toMatchObject([
    { user: 'local', role: 'operator', what: 'letters=[1] by=ada@laptop', status: 200 },
  ])
})
