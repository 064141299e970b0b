import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../faults/harness.ts'
import { emptyFolder, millrace, remove, start } from './millrace.ts'

const PIPELINE = `import { agent, pipeline, topic } from 'millrace'
const any = { '~standard': { version: 1, vendor: 'test', validate: value => ({ value }) } }
const demand = topic('demand', any, { partitions: 2 })
const prediction = topic('prediction', any)
const frames = topic('frames', any)
const forecast = (version, options, off) => agent('forecast', { version, from: demand, to: prediction, ...options }, d => ({ ...d, mw: d.mw + off }))
export default pipeline('grid', { agents: [forecast(1, {}, 0), forecast(2, { shadow: true }, 0.5), agent('gone', { version: 1, from: frames }, () => {})] })
`
const LISTEN = ['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0']

/** One data directory at rest, on which a pipeline has run. */
let cwd: string
const run = (...args: readonly string[]) => millrace(args, { cwd })
const json = async (...args: readonly string[]) => JSON.parse((await run(...args, '--json')).stdout)
const states = async () => (await json('agents')).agents.map(({ state }: { state: string }) => state).join()

beforeAll(async () => {
  cwd = emptyFolder()
  writeFileSync(join(cwd, 'pipeline.ts'), PIPELINE)
  await using running = start(['start', 'pipeline.ts', ...LISTEN], { cwd })
  await running.until(/look at it on/)
  const input = [1, 2, 3, 4].map(mw => JSON.stringify({ station: 'CE', mw })).join('\n')
  await millrace(['send', '--topic', 'demand', '-'], { cwd, input })
  await until('both versions have done all', 20_000, async () => {
    const { agents } = await json('agents')
    return agents.reduce((sum: number, agent: { done: number }) => sum + agent.done, 0) === 8
  })
  const { agents } = await json('agents')
  expect(agents.map((agent: { agent: string; shadow?: boolean }) => [agent.agent, agent.shadow])).toEqual([
    ['forecast', undefined],
    ['forecast', true],
    ['gone', undefined],
  ])
  expect((await run('agents')).stdout).toMatch(/forecast@1 +running[\s\S]*forecast@2 \(shadow\) +running/)
  running.process.kill('SIGTERM')
  await running.ended
}, 120_000)
afterAll(() => remove(cwd))

describe('compare', () => {
  it('says by how much the two differ, with examples', { timeout: 60_000 }, async () => {
    const { code, stdout, stderr } = await run('compare', 'forecast@1', 'forecast@2', '--last', '1h', '--examples', '1')
    expect(stderr).toBe('Of 4 data that both have handled.\n')
    expect(stdout).toMatch(/^prediction\n {2}4 pairs, 0.00 % equal; only forecast@1: 0, only forecast@2 \(shadow\): 0\n/)
    expect(stdout).toMatch(/mw +4 +0\.5 +0\.5 +0\.5 +0\n/)
    expect(stdout).toMatch(
      / {2}[0-9a-f-]{36}\n {4}forecast@1 {2}\{"station":"CE","mw":1\}\n {4}forecast@2 \(shadow\) {2}\{"station":"CE","mw":1\.5\}\n$/,
    )
    expect(code).toBe(0)
    expect(await json('compare', 'forecast@2', 'forecast@1')).toMatchObject({
      compared: 4,
      topics: [{ fields: [{ field: 'mw', bias: -0.5 }] }],
    })
  })

  it('refuses what cannot be compared', { timeout: 60_000 }, async () => {
    expect(await run('compare', 'forecast@1', 'forecast@3')).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('There are: forecast@1, forecast@2 (shadow), gone@1.'),
    })
    expect(await run('compare', 'forecast@1', 'gone@1')).toMatchObject({ code: 2, stderr: expect.stringContaining('no topic in common') })
    expect(await run('compare', 'forecast@1', 'forecast@1')).toMatchObject({ code: 2 })
    expect(await run('compare', 'forecast@1', 'forecast@2', '--last', 'soon')).toMatchObject({ code: 2 })
  })
})

describe('promote and decommission, at rest', () => {
  it('ask first, and change nothing where nobody can answer', { timeout: 60_000 }, async () => {
    expect(await run('promote', 'forecast@2')).toMatchObject({ code: 2, stderr: expect.stringContaining('Add --yes.') })
    expect(await run('decommission', 'gone@1')).toMatchObject({ code: 2, stderr: expect.stringContaining('Add --yes.') })
    expect(await run('decommission', 'gone@1', '--now', '--undo')).toMatchObject({ code: 2 })
    expect(await states()).toBe('stopped,stopped,stopped')
  })

  it('hold from the next start, with the file as it is', { timeout: 120_000 }, async () => {
    const promoted = await run('promote', 'forecast@2', '--yes')
    expect(promoted).toMatchObject({ code: 0, stdout: '' })
    expect(promoted.stderr).toContain('forecast@2 takes over from forecast@1 when the pipeline is started, which ends.')
    expect(promoted.stderr).toContain("in forecast@2 replace 'shadow: true' by 'replaces: 1', and drop forecast@1.")
    expect(await run('promote', 'forecast@2', '--yes')).toMatchObject({ code: 1, stderr: expect.stringContaining('promoted already') })
    expect(await json('decommission', 'gone@1', '--now', '--yes')).toMatchObject({
      decided: 'decommission',
      group: 'gone@1',
      drains: false,
    })
    await using running = start(['start', 'pipeline.ts', ...LISTEN], { cwd })
    await running.until(/look at it on/)
    await until('it is so', 20_000, async () => (await states()) === 'replaced,running,promoted,decommissioned')
    await run('send', '--topic', 'demand', JSON.stringify({ station: 'CE', mw: 5 }))
    await until('version 2 has it', 20_000, async () => {
      const { stdout } = await run('tap', 'prediction', '--from', 'earliest', '--no-follow', '--json')
      return stdout.includes('"mw":5.5')
    })
    // The decommissioned agent was the only reader of its topic, which takes data as before.
    expect((await run('send', '--topic', 'frames', '"x"')).code).toBe(0)
    expect(await run('decommission', 'gone@1', '--undo')).toMatchObject({ code: 0, stderr: 'gone@1 goes on from its place.\n' })
    await until('it goes on', 20_000, async () => (await states()).endsWith(',running'))
  })
})
