import { randomBytes } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, it } from 'vitest'
import { servers } from '../servers/shared.ts'
import { folder, millrace, start } from './millrace.ts'

const PAST = 600

/** An agent that has seen the past, and one that begins behind it and fails for one datum until it is mended. */
const PIPELINE = (name: string, late: boolean) => `import { agent, pipeline, topic } from 'millrace'
import { existsSync } from 'node:fs'

const any = { '~standard': { version: 1, vendor: 'test', validate: value => ({ value }) } }
const reading = topic('reading', any, { partitions: 2 })
const seen = topic('seen', any, { partitions: 1 })
const made = topic('made', any, { partitions: 1 })
const first = agent('first', { version: 1, from: reading, to: seen }, d => d)
const late = agent('late', { version: 1, from: reading, to: made, start: 'latest', retry: { attempts: 1 } }, d => {
  if (d.n === 7 && !existsSync('mended')) throw new Error('no scale for ' + d.n)
  return d
})
export default pipeline('${name}', { agents: [first${late ? ', late' : ''}] })
`

it('on a shared stream the past is replayed from anywhere, goes on after a kill, and each datum has one effect', {
  timeout: 400_000,
}, async () => {
  const { kafka, redis } = servers()
  const name = `r${randomBytes(6).toString('hex')}`
  const shared = ['--stream', `kafka://${kafka}?prefix=${name}.`, '--trace', `${redis}?prefix=${name}:`]
  const cwd = folder()
  const run = (args: readonly string[], input?: string) =>
    millrace([...args, ...shared], { cwd, ...(input === undefined ? {} : { input }) })
  const json = async (...args: string[]) => JSON.parse((await run([...args, '--json'])).stdout)
  const until = async (what: string, holds: () => Promise<boolean>) => {
    for (const deadline = Date.now() + 120_000; !(await holds()); await sleep(100))
      if (Date.now() > deadline) throw new Error(`Within two minutes it has not come about that ${what}.`)
  }
  const starting = (late: boolean) => {
    writeFileSync(join(cwd, 'pipeline.ts'), PIPELINE(name, late))
    return start(['start', 'pipeline.ts', ...shared, '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'], { cwd })
  }
  const behind = async (agent: string) =>
    ((await json('agents')).agents as { agent: string; lag: number; from: string[] }[]).find(found => found.agent === agent)?.lag
  const made = async () => {
    const { stdout } = await run(['tap', 'made', '--from', 'earliest', '--no-follow', '--json'])
    return stdout
      .trim()
      .split('\n')
      .filter(Boolean)
      .map(line => JSON.parse(line).data.n as number)
  }

  await using before = starting(false)
  await before.until(/look at it on/)
  const past = Array.from({ length: PAST }, (_, n) => `{"n":${n}}\n`).join('')
  const listen = /send data to +(\S+)/.exec(await before.until(/send data to/))![1]!
  expect((await millrace(['send', '--topic', 'reading', '-', '--url', listen], { cwd, input: past })).code).toBe(0)
  before.process.kill('SIGTERM')
  await before.ended
  await using after = starting(true)
  await after.until(/look at it on/)
  await until('the agent has its place', async () => (await behind('late')) === 0)

  expect(await json('replay', 'late', '--from', 'earliest', '--dry-run')).toMatchObject({ chosen: PAST, before: PAST, done: 0 })
  await using replaying = start(['replay', 'late', '--from', 'earliest', '--rate', '2/s', '--yes', ...shared], { cwd })
  await until('some of it is made', async () => (await made()).length >= 5)
  replaying.process.kill('SIGKILL')
  await replaying.ended
  expect((await json('replay', 'list')).replays).toMatchObject([{ replay: 1, agent: 'late', state: 'open', rate: 2 }])
  expect(await json('replay', '--resume', '1')).toMatchObject({ complete: true })
  await until('all of it is handled', async () => (await made()).length >= PAST - 1 && (await behind('late')) === 0)
  expect((await made()).sort((a, b) => a - b)).toEqual(Array.from({ length: PAST }, (_, n) => n).filter(n => n !== 7))

  // The one that failed is a letter, and is replayed as such; all else is done.
  const { groups } = await json('dead', 'groups')
  expect(groups).toMatchObject([{ agent: 'late', count: 1, shape: 'no scale for <n>' }])
  writeFileSync(join(cwd, 'mended'), '')
  expect(await json('replay', 'late', '--dead', '--yes')).toMatchObject({ complete: true, replayed: 1 })
  await until('the letter is done', async () => (await json('dead', 'list', '--state', 'done')).letters.length === 1)
  expect(await json('replay', 'late', '--from', 'earliest', '--yes', '--rate', '100000')).toMatchObject({ complete: true, dead: 0 })
  await until('all of it is skipped', async () => (await behind('late')) === 0)
  expect((await made()).sort((a, b) => a - b)).toEqual(Array.from({ length: PAST }, (_, n) => n))
  expect((await json('replay', 'list')).replays).toHaveLength(3)
  expect(await json('ledger')).toMatchObject({ balanced: true })
})
