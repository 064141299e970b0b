import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import type { EngineView } from '../../src/engine/engine.ts'
import { emptyFolder, millrace, remove, type Started, start } from './millrace.ts'

const HOURS = 5

/** Hours are counted by version 1; then, too, by version 2 and by a shadow, which both begin behind what has closed. */
const PIPELINE = (later: boolean) => `import { agent, pipeline, topic, tumbling } from 'millrace'

const any = { '~standard': { version: 1, vendor: 'test', validate: value => ({ value }) } }
const reading = topic('reading', any, { key: () => 'all', partitions: 1 })
const counted = topic('counted', any, { partitions: 1 })
const by = () => 'all'
const window = tumbling('1h', { lateness: 0 })
const count = hour => ({ start: hour.start, n: hour.data.length })
const hourly = (version, options) => agent('hourly', { version, from: reading, to: counted, by, window, ...options }, count)
const agents = [hourly(1)${later ? ", hourly(2, { start: 'latest' }), hourly(3, { start: 'latest', shadow: true })" : ''}]
export default pipeline('grid', { agents })
`

let cwd: string
let running: Started
let view: EngineView

const run = (args: readonly string[], input?: string) => millrace(args, { cwd, ...(input === undefined ? {} : { input }) })
const json = async (...args: string[]) => JSON.parse((await run([...args, '--json'])).stdout)
const count = async (topic: string) => (await view.bounds(topic).catch(() => []))[0]?.next ?? 0
const starting = (file: string) => start(['start', file, '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'], { cwd })

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 60_000; !(await holds()); await sleep(20))
    if (Date.now() > deadline) throw new Error('It has not come about within a minute.')
}

beforeAll(async () => {
  cwd = emptyFolder()
  writeFileSync(join(cwd, 'before.ts'), PIPELINE(false))
  writeFileSync(join(cwd, 'pipeline.ts'), PIPELINE(true))
  const before = starting('before.ts')
  const said = await before.until(/look at it on/)
  const front = /http:\/\/127\.0\.0\.1:\d+/.exec(said)![0]
  const envelopes = Array.from({ length: HOURS + 1 }, (_, hour) => ({
    ...{ type: 'reading', content_type: 'application/json', data: Buffer.from('{}').toString('base64') },
    created: new Date(Date.UTC(2026, 0, 1, hour, 30)).toISOString(),
  }))
  const sent = await fetch(`${front}/v1/topics/reading/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/vnd.millrace.envelope+json' },
    body: JSON.stringify(envelopes),
  })
  expect(await sent.text(), said).toContain('accepted')
  view = viewEmbedded(join(cwd, '.millrace'))
  await until(async () => (await count('counted')) === HOURS)
  before.process.kill('SIGTERM')
  await before.ended
  running = starting('pipeline.ts')
  await running.until(/look at it on/)
  const groups = async () => (await view.standings()).filter(({ topic }) => topic === '_windows.hourly@1').length
  await until(async () => (await groups()) === 3)
}, 120_000)
afterAll(async () => {
  await view.close()
  await running[Symbol.asyncDispose]()
  remove(cwd)
})

it('windows that have closed are replayed to the agent that reads them, and to its shadow, which keeps what it makes apart', {
  timeout: 120_000,
}, async () => {
  expect(await json('replay', 'hourly@2', '--from', 'earliest', '--yes')).toMatchObject({ agent: 'hourly', replayed: HOURS })
  await until(async () => (await count('counted')) === 2 * HOURS)
  expect(await json('replay', 'hourly@3', '--from', 'earliest', '--yes')).toMatchObject({ version: 3, replayed: HOURS })
  await until(async () => (await count('_shadow.hourly@3.counted')) === HOURS)
  expect(await count('counted')).toBe(2 * HOURS)
})

it('what gathers the windows is given nothing again, and it is said why', { timeout: 60_000 }, async () => {
  const refused = await run(['replay', 'hourly.windows@1', '--from', 'earliest', '--yes'])
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('gathers for hourly') })
  expect(await count('_replay.hourly.windows@1')).toBe(0)
})
