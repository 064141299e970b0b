import { agent, bytes, pipeline, storageAgent, topic, tumbling } from 'millrace'
import { files } from 'millrace/storage/files'
import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../../src/runtime/config.ts'
import { checkOnly, roles, runsAgent } from '../../src/runtime/roles.ts'

const demand = topic('demand', bytes())
const grid = pipeline('grid', {
  agents: [
    agent('forecast', { version: 1, from: demand }, () => undefined),
    agent('forecast', { version: 2, from: demand }, () => undefined),
    agent('mood', { version: 1, from: demand }, () => undefined),
    storageAgent('lake', { version: 1, from: demand, to: files('./lake') }),
  ],
})
const run = (role: string, only?: readonly string[]) => {
  const runs = { roles: roles(role, 'role'), ...(only === undefined ? {} : { only }) }
  checkOnly(runs, grid.agents.values())
  return [...grid.agents].filter(([, each]) => runsAgent(runs, each)).map(([id]) => id)
}

describe('roles', () => {
  it('share out the agents of a pipeline', () => {
    expect(run('all')).toEqual(['forecast@1', 'forecast@2', 'mood@1', 'lake@1'])
    expect(run('agents')).toEqual(['forecast@1', 'forecast@2', 'mood@1'])
    expect(run('storage')).toEqual(['lake@1'])
    expect(run('frontend, console')).toEqual([])
    expect(run('agents,storage')).toEqual(['forecast@1', 'forecast@2', 'mood@1', 'lake@1'])
  })

  it('run some of their agents alone, by name or by version', () => {
    expect(run('agents', ['forecast'])).toEqual(['forecast@1', 'forecast@2'])
    expect(run('agents', ['forecast@2', 'mood'])).toEqual(['forecast@2', 'mood@1'])
  })

  it('run what gathers for an agent where they run any version of it', () => {
    const window = { from: demand, by: () => 'all', window: tumbling('1h') }
    const agents = [...pipeline('w', { agents: [agent('hourly', { version: 3, ...window }, () => undefined)] }).agents.values()]
    const ran = (only: string) =>
      agents.filter(each => runsAgent({ roles: roles('agents', 'role'), only: [only] }, each)).map(({ name }) => name)
    expect([ran('hourly'), ran('hourly@3'), ran('hour')]).toEqual([['hourly.windows', 'hourly'], ['hourly.windows', 'hourly'], []])
  })

  it('run the place at which a version gets a share of the keys where either is named', () => {
    const ramped = [
      agent('forecast', { version: 1, from: demand }, () => undefined),
      agent('forecast', { version: 2, replaces: 1, ramp: 0.1, from: demand }, () => undefined),
    ]
    const agents = [...pipeline('r', { agents: ramped }).agents.values()]
    for (const only of ['forecast', 'forecast@1', 'forecast@2']) {
      const runs = { roles: roles('agents', 'role'), only: [only] }
      checkOnly(runs, agents)
      expect(agents.filter(each => runsAgent(runs, each)).map(({ version }) => version)).toEqual([1])
    }
    expect(() => checkOnly({ roles: roles('agents', 'role'), only: ['forecast@3'] }, agents)).toThrow('There are: forecast@1, forecast@2.')
  })

  it('refuse what nobody would run, naming what there is', () => {
    expect(() => run('agents', ['lake'])).toThrow(/no agent lake for the role agents.*forecast@1, forecast@2, mood@1/s)
    expect(() => run('frontend', ['forecast'])).toThrow(/none of that role/)
    expect(() => run('agnets')).toThrow(/role is "agnets".*frontend, agents, storage, console/s)
  })

  it('of a part need a stream that the other parts share', async () => {
    const at = { env: {}, cwd: '/nonexistent' }
    await expect(resolveConfig({ ...at, flags: { role: 'agents' } })).rejects.toThrow(/role agents needs a stream and a trace/)
    await expect(resolveConfig({ ...at, flags: { agents: 'mood' } })).rejects.toThrow(/runs mood alone needs a stream/)
    const flags = { role: 'agents', stream: 'kafka://h', trace: 'redis://h' }
    expect((await resolveConfig({ ...at, flags })).connections?.trace.url).toBe('redis://h')
    await expect(resolveConfig({ ...at, flags: { ...flags, size: '1GB' } })).rejects.toThrow(/A size is set.*retention/s)
  })
})
