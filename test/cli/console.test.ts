import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { folder, millrace, start } from './millrace.ts'

const PIPELINE = `
import { agent, bytes, pipeline, topic } from 'millrace'
const reading = topic('reading', bytes())
export default pipeline('local', { agents: [agent('watch', { version: 1, from: reading, to: [] }, () => undefined)] })
`

it('a token is printed once, alone on stdout, and only its hash is kept; it is listed and revoked by its id', async () => {
  const cwd = folder()
  const made = await millrace(['console', 'token', 'add', 'ada', '--role', 'operator', '--expires', '30d'], { cwd })
  expect(made).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/^o[\w-]+\.[\w-]{43}\n$/),
    stderr: expect.stringMatching(/ada, operator.+\nIt is the first: from now on everyone is asked to log in/),
  })
  expect((await stat(join(cwd, '.millrace', 'ops-tokens.json'))).mode & 0o777).toBe(0o600)
  const [id = '', secret = ''] = made.stdout.trim().split('.')
  const list = await millrace(['console', 'token', 'list', '--json'], { cwd })
  expect(JSON.parse(list.stdout)).toMatchObject({ tokens: [{ id, user: 'ada', role: 'operator', expires: expect.any(String) }] })
  expect(list.stdout).not.toMatch(new RegExp(`${secret}|sha256`))
  expect(await millrace(['console', 'token', 'revoke', made.stdout.trim()], { cwd })).toMatchObject({
    code: 0,
    stderr: `Token ${id} is revoked.\n`,
  })
  expect(await millrace(['console', 'token', 'revoke', id], { cwd })).toMatchObject({
    code: 3,
    stderr: expect.not.stringContaining(secret),
  })
  expect((await millrace(['console', 'token', 'add', 'ada', '--role', 'admin'], { cwd })).code).toBe(2)
})

it('opens the console of the process that runs, logged in by a link that is good once, and the audit log says so', {
  timeout: 120_000,
}, async () => {
  const cwd = folder()
  await writeFile(join(cwd, 'pipeline.ts'), PIPELINE)
  expect((await millrace(['console', '--no-open'], { cwd })).code).toBe(5)
  const token = (await millrace(['console', 'token', 'add', 'vera'], { cwd })).stdout.trim()
  await using running = start(['start', 'pipeline.ts', '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--json'], { cwd })
  const { operators } = JSON.parse(await running.until(/\n/))

  // Who can read the data directory needs no token.
  const own = JSON.parse((await millrace(['console', '--json'], { cwd })).stdout)
  expect(own).toMatchObject({ url: `${operators}/console/`, user: 'local', role: 'operator', opened: false })
  expect(own.link).toMatch(/\/auth\/code\/[\w-]{43}$/)
  const agents = await millrace(['agents'], { cwd })
  expect(agents).toMatchObject({ code: 0, stdout: expect.stringContaining('watch@1') })
  const denied = await millrace(['decommission', 'watch@1', '--yes'], { cwd, env: { MILLRACE_OPS_TOKEN: token } })
  expect(denied).toMatchObject({ code: 1, stderr: expect.stringContaining('vera is a viewer') })

  const there = await millrace(['console', '--url', operators, '--no-open'], { cwd: folder(), env: { MILLRACE_OPS_TOKEN: token } })
  expect(there).toMatchObject({ code: 0, stderr: expect.stringContaining('as vera, viewer: once') })
  const opened = await fetch(there.stdout.trim())
  const cookie = opened.headers.getSetCookie()[0]?.split(';', 1)[0] ?? ''
  expect(await (await fetch(`${operators}/v1/session`, { headers: { cookie } })).json()).toMatchObject({ user: 'vera', role: 'viewer' })
  expect((await fetch(there.stdout.trim())).status).toBe(401)
  const stranger = await millrace(['console', '--url', operators, '--no-open'], { cwd: folder() })
  expect(stranger).toMatchObject({ code: 0, stdout: `${operators}/console/\n`, stderr: expect.stringContaining('asks for a log-in') })

  const { actions } = JSON.parse((await millrace(['audit', '--json'], { cwd })).stdout)
  expect(actions.map(({ user, action, status }: { user: string; action: string; status: number }) => [user, action, status])).toEqual([
    ['nobody', 'GET /auth/code/:code', 401],
    ['vera', 'GET /auth/code/:code', 200],
    ['vera', 'POST /v1/session/code', 200],
    ['vera', 'POST /v1/versions/decommission', 403],
    ['local', 'POST /v1/session/code', 200],
  ])
})
