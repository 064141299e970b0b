import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { listKeys, readKeys } from '../../src/frontend/keys.ts'
import { agentKeyFile } from '../../src/runtime/attach/agent-keys.ts'
import { folder, millrace } from './millrace.ts'

it('a key is printed once, alone on stdout, and only its hash is kept', async () => {
  const cwd = folder()
  const { code, stdout, stderr } = await millrace(['keys', 'add', 'sensors', '--topic', 'demand', '--topic', 'load'], { cwd })
  expect(code).toBe(0)
  expect(stdout).toMatch(/^k[\w-]+\.[\w-]{43}\n$/)
  expect(stderr).toContain('for demand, load')
  expect(stderr).toContain('from now on nobody sends without a key')
  expect((await millrace(['keys', 'add', 'late', '--topic', 'demand', '--expires', '30'], { cwd })).code).toBe(2)
  const [record] = await listKeys(join(cwd, '.millrace', 'keys.json'))
  expect(record).toMatchObject({ source: 'sensors', topics: ['demand', 'load'] })
  const list = await millrace(['keys', 'list'], { cwd })
  expect(list.stdout).toContain('sensors')
  expect(list.stdout).not.toContain(stdout.split('.')[1]!.trim())
})

it('answers in JSON, without the secret or its hash where it is listed', async () => {
  const cwd = folder()
  const made = JSON.parse((await millrace(['keys', 'add', 'web', '--all-topics', '--expires', '30d', '--json'], { cwd })).stdout)
  expect(made).toMatchObject({ source: 'web', topics: '*', key: expect.stringContaining(`${made.id}.`) })
  const { keys } = JSON.parse((await millrace(['keys', 'list', '--json'], { cwd })).stdout)
  expect(keys).toEqual([{ id: made.id, source: 'web', topics: '*', created: made.created, expires: made.expires }])
})

it('a key is revoked by its id, or by the whole of it', async () => {
  const cwd = folder()
  for (const whole of [true, false]) {
    const { id, key } = JSON.parse((await millrace(['keys', 'add', 'web', '--all-topics', '--json'], { cwd })).stdout)
    expect(await millrace(['keys', 'revoke', whole ? key : id], { cwd })).toMatchObject({
      code: 0,
      stdout: '',
      stderr: `Key ${id} is revoked.\n`,
    })
    expect(JSON.parse((await millrace(['keys', 'list', '--json'], { cwd })).stdout)).toEqual({ keys: [] })
  }
})

it('a key is rotated: the new one is printed once, the old one goes on for the grace', async () => {
  const cwd = folder()
  const old = JSON.parse((await millrace(['keys', 'add', 'web', '--all-topics', '--json'], { cwd })).stdout)
  const rotated = await millrace(['keys', 'rotate', old.key, '--grace', '30m'], { cwd })
  expect(rotated).toMatchObject({ code: 0, stdout: expect.stringMatching(/^k[\w-]+\.[\w-]{43}\n$/) })
  expect(rotated.stderr).toContain('goes on for 30m')
  const { keys } = JSON.parse((await millrace(['keys', 'list', '--json'], { cwd })).stdout)
  expect(keys).toMatchObject([
    { id: old.id, expires: expect.any(String) },
    { source: 'web', topics: '*', rotates: old.id },
  ])
  expect((await millrace(['keys', 'rotate', old.id], { cwd })).code).toBe(1)
})

it('says who may send without keys: this machine before the first one, nobody after the last', async () => {
  const cwd = folder()
  expect((await millrace(['keys', 'list'], { cwd })).stderr).toContain('every program on this machine may send')
  const { id } = JSON.parse((await millrace(['keys', 'add', 'web', '--all-topics', '--json'], { cwd })).stdout)
  await millrace(['keys', 'revoke', id], { cwd })
  expect((await millrace(['keys', 'list'], { cwd })).stderr).toContain('nobody may send')
})

it('a key of an agent is in a file of its own, lets producers send as before, and is listed and revoked with the others', async () => {
  const cwd = folder()
  const added = await millrace(['keys', 'add', 'pods', '--agent', 'mood', '--agent', 'rank@2', '--expires', '30d', '--json'], { cwd })
  const { id, key, ...made } = JSON.parse(added.stdout)
  expect([id[0], key.split('.')[0]]).toEqual(['a', id])
  expect(made).toMatchObject({ name: 'pods', agents: ['mood', 'rank@2'] })
  expect(await readKeys(join(cwd, '.millrace', 'keys.json'))).toBeUndefined()
  expect(await agentKeyFile(join(cwd, '.millrace', 'agent-keys.json')).read()).toMatchObject([{ id, agents: ['mood', 'rank@2'] }])
  const list = await millrace(['keys', 'list'], { cwd })
  expect(list.stdout).toMatch(/pods +agents: mood, rank@2/)
  expect(list.stderr).toContain('every program on this machine may send')
  expect((await millrace(['keys', 'revoke', key], { cwd })).code).toBe(0)
  expect(await agentKeyFile(join(cwd, '.millrace', 'agent-keys.json')).read()).toEqual([])
  const both = await millrace(['keys', 'add', 'pods', '--agent', 'mood', '--topic', 'demand'], { cwd })
  expect([both.code, both.stderr]).toEqual([2, expect.stringContaining('A key is for sending or for working.')])
})

it('listing makes no data directory', async () => {
  const cwd = folder()
  expect((await millrace(['keys', 'list'], { cwd })).code).toBe(0)
  expect(existsSync(join(cwd, '.millrace'))).toBe(false)
})
