import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { engineOptions, resolveConfig } from '../../src/runtime/config.ts'
import { Project } from './project.ts'

const nowhere = { env: {}, cwd: '/nonexistent' }

/** Resolves in a folder with this millrace.config.ts, outside the test runner. */
async function withFile(content: string, flags = {}, env = {}): Promise<Record<string, unknown> & { message: string }> {
  using project = new Project({ 'millrace.config.ts': content })
  const out = await project.run(`
    import { resolveConfig, engineOptions } from 'src:runtime/config.ts'
    const say = value => console.log(JSON.stringify(value))
    await resolveConfig({ flags: ${JSON.stringify(flags)}, env: ${JSON.stringify(env)}, cwd: process.cwd() })
      .then(say, error => say({ code: error.code, message: error.message }))
  `)
  return JSON.parse(out.replaceAll(project.folder, '.'))
}

describe('resolveConfig', () => {
  it('keeps what is to be kept, whoever opens the data directory', async () => {
    const env = { MILLRACE_RETENTION_IDS: '30d', MILLRACE_RETENTION_TRACE: '3d', MILLRACE_SIZE: '1GB' }
    expect(engineOptions(await resolveConfig({ ...nowhere, env }))).toEqual({
      directory: '/nonexistent/.millrace',
      idRetentionMs: 30 * 86_400_000,
      traceRetentionMs: 3 * 86_400_000,
      maxBytes: 1_000_000_000,
    })
  })

  it('has a default for everything, and binds loopback only', async () => {
    expect(await resolveConfig(nowhere)).toMatchObject({
      listen: { host: '127.0.0.1', port: 7070 },
      ops: { host: '127.0.0.1', port: 7071 },
      attach: { host: '127.0.0.1', port: 7072 },
      agentKeysFile: '/nonexistent/.millrace/agent-keys.json',
      data: '/nonexistent/.millrace',
      idRetentionMs: 7 * 86_400_000,
      traceRetentionMs: 86_400_000,
    })
  })

  it('takes a flag before the environment before the file before the default', async () => {
    const file =
      "import { defineConfig } from 'millrace'\nexport default defineConfig({ listen: ':1', ops: ':1', data: 'file', retention: { trace: '1h', letters: '30d' } })"
    const env = { MILLRACE_LISTEN: ':2', MILLRACE_OPS: ':2', MILLRACE_AGENT_KEYS: 'workers.json', MILLRACE_RETENTION_IDS: '2d' }
    const config = await withFile(file, { listen: ':3', attach: ':4' }, env)
    expect(config).toMatchObject({
      listen: { port: 3 },
      ops: { port: 2 },
      attach: { port: 4 },
      agentKeysFile: './workers.json',
      data: './file',
      traceRetentionMs: 3_600_000,
      idRetentionMs: 172_800_000,
      letterRetentionMs: 30 * 86_400_000,
    })
    // Letters are kept until a person discards them.
    expect((await resolveConfig(nowhere)).letterRetentionMs).toBeUndefined()
  })

  it.each([
    ['127.0.0.1:80', { host: '127.0.0.1', port: 80 }],
    ['0.0.0.0:0', { host: '0.0.0.0', port: 0 }],
    ['[::1]:7070', { host: '::1', port: 7070 }],
    [':8080', { host: '127.0.0.1', port: 8080 }],
    ['8080', { host: '127.0.0.1', port: 8080 }],
    ['grid.local:65535', { host: 'grid.local', port: 65_535 }],
  ])('reads the address %s', async (listen, expected) => {
    expect((await resolveConfig({ ...nowhere, flags: { listen } })).listen).toEqual(expected)
  })

  it.each(['', 'localhost', ':65536', '::1:7070', 'a b:80', 'http://h:1', '-1'])('refuses the address %j', async listen => {
    const refused = resolveConfig({ ...nowhere, flags: { listen } })
    await expect(refused).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: expect.stringContaining(`--listen is ${JSON.stringify(listen)}.`),
    })
    await expect(refused).rejects.toThrow(/It must be an address such as '127\.0\.0\.1:7070'/)
  })

  it('names a wrong variable as it was set', async () => {
    const refused = resolveConfig({ ...nowhere, env: { MILLRACE_RETENTION_TRACE: 'soon' } })
    await expect(refused).rejects.toThrow('MILLRACE_RETENTION_TRACE is "soon". It must be a duration')
  })

  it('takes an empty variable for one that is not set', async () => {
    expect((await resolveConfig({ ...nowhere, env: { MILLRACE_LISTEN: '' } })).listen.port).toBe(7070)
  })

  it('takes paths in the configuration from the folder it is in', async () => {
    const config = await resolveConfig({ ...nowhere, flags: { data: 'here', page: '../page' } })
    expect([config.data, config.page]).toEqual([join('/nonexistent', 'here'), '/page'])
  })

  it.each([
    [
      'a setting that there is not',
      'export default { lisen: 1 }',
      "./millrace.config.ts sets 'lisen', which is no setting. It may set listen",
    ],
    ['a value that is wrong', 'export default { size: "much" }', 'size in ./millrace.config.ts is "much". It must be a size such as'],
    [
      'a group that is no group',
      'export default { retention: 3 }',
      'retention of ./millrace.config.ts is 3. It must be an object of settings.',
    ],
    ['a limit that there is not', 'export default { limits: { body: 1 } }', "There is no limit 'body'"],
    ['no default export', 'export const a = 1', 'The default export of ./millrace.config.ts is undefined'],
    ['code that does not load', 'throw new Error("no")', './millrace.config.ts does not load: no.'],
  ])('refuses a file with %s', async (_what, content, message) => {
    const refused = await withFile(content)
    expect(refused.code).toBe('CONFIG_INVALID')
    expect(refused.message).toContain(message)
  })
})
