import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { emptyFolder, remove, start } from './millrace.ts'

const PIPELINE = `import { agent, bytes, pipeline, topic } from 'millrace'

const demand = topic('demand', bytes())
const crash = agent('crash', { version: 2, from: demand, retry: { attempts: 2 } }, () => {
  setTimeout(() => { throw new Error('it fell over') })
  return new Promise(() => undefined)
})
export default pipeline('grid', { agents: [crash] })
`

test('away from a terminal what happens is a JSON document a line, with level, pipeline, roles and agent, and no payload', async () => {
  const cwd = emptyFolder()
  writeFileSync(join(cwd, 'pipeline.ts'), PIPELINE)
  try {
    await using running = start(['start', 'pipeline.ts', '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'], { cwd })
    let said = ''
    running.process.stderr?.on('data', text => {
      said += text
    })
    const listen = /send data to +(\S+)/.exec(await running.until(/look at it on/))![1]
    const headers = { 'content-type': 'application/octet-stream' }
    await (await fetch(`${listen}/v1/topics/demand`, { method: 'POST', headers, body: 'a secret' })).arrayBuffer()
    await expect.poll(() => said, { timeout: 20_000 }).toContain('is started anew')
    running.process.kill('SIGTERM')
    const { code, stderr } = await running.ended
    expect(code).toBe(0)
    expect(stderr).not.toContain('secret')
    const lines = stderr
      .trimEnd()
      .split('\n')
      .map(line => JSON.parse(line) as Record<string, unknown>)
    const known = { pid: running.process.pid, pipeline: 'grid', roles: ['frontend', 'agents', 'storage', 'console'] }
    for (const line of lines)
      expect(line).toMatchObject({ ...known, time: expect.stringMatching(/^\d{4}-.*Z$/), message: expect.any(String) })
    expect(lines).toContainEqual(
      expect.objectContaining({ level: 'warn', agent: 'crash@2', message: expect.stringContaining('ended and is started anew') }),
    )
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'Stopped.' })
  } finally {
    remove(cwd)
  }
})

test('--log text says it in sentences, wherever it is written to', async () => {
  const cwd = emptyFolder()
  writeFileSync(join(cwd, 'pipeline.ts'), PIPELINE)
  try {
    await using running = start(['start', 'pipeline.ts', '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--log', 'text'], { cwd })
    await running.until(/look at it on/)
    running.process.kill('SIGTERM')
    expect((await running.ended).stderr).toBe('Stopping: what is in hand is finished first.\nStopped.\n')
  } finally {
    remove(cwd)
  }
})
