import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import type { EngineView } from '../../src/engine/engine.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import { emptyFolder, millrace, remove, type Started, start } from './millrace.ts'

const PAST = 2_000
const LIVE = 300
/** What live data may wait for, while thousands of the past are on their way beside them. */
const LIVE_BOUND = 200

/** An agent that has seen the past, and, beside it, one that begins behind it and stores what it makes. */
const PIPELINE = (late: boolean) => `import { agent, pipeline, topic } from 'millrace'

const any = { '~standard': { version: 1, vendor: 'test', validate: value => ({ value }) } }
const reading = topic('reading', any, { partitions: 2 })
const seen = topic('seen', any)
const made = topic('made', any)
const first = agent('first', { version: 1, from: reading, to: seen }, d => d)
const late = agent('late', { version: 1, from: reading, to: made, start: 'latest' }, async d => {
  await new Promise(resolve => setTimeout(resolve, 1))
  return d
})
export default pipeline('grid', { agents: [first${late ? ', late' : ''}] })
`

let cwd: string
let running: Started
let view: EngineView

beforeAll(async () => {
  cwd = emptyFolder()
  writeFileSync(join(cwd, 'past.ts'), PIPELINE(false))
  writeFileSync(join(cwd, 'pipeline.ts'), PIPELINE(true))
  const before = start(['start', 'past.ts', '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'], { cwd })
  await before.until(/look at it on/)
  expect((await run(['send', '--topic', 'reading', '-'], lines(0, PAST))).code).toBe(0)
  before.process.kill('SIGTERM')
  await before.ended
  running = start(['start', 'pipeline.ts', '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'], { cwd })
  await running.until(/look at it on/)
  view = viewEmbedded(join(cwd, '.millrace'))
  await until(async () => (await view.standings()).filter(({ group }) => group === 'late@1').length === 3)
}, 240_000)
afterAll(async () => {
  await view.close()
  await running[Symbol.asyncDispose]()
  remove(cwd)
})

const run = (args: readonly string[], input?: string) => millrace(args, { cwd, ...(input === undefined ? {} : { input }) })
const json = async (...args: string[]) => JSON.parse((await run([...args, '--json'])).stdout)
const lines = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `{"n":${from + i}}\n`).join('')

async function until(holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + 120_000; !(await holds()); await sleep(20))
    if (Date.now() > deadline) throw new Error('It has not come about within two minutes.')
}

/** The data of a topic, as `made` has them: each n, in any order. */
async function numbersIn(topic: string): Promise<number[]> {
  const numbers: number[] = []
  for (const [partition, { first, next }] of (await view.bounds(topic)).entries()) {
    for (let at = first; at < next; ) {
      const batch = await view.read(topic, partition, at, 1_000_000)
      const cursor = new FrameCursor(batch.frames, batch.ascii)
      while (cursor.next()) numbers.push((JSON.parse(cursor.dataText) as { n: number }).n)
      at = batch.first + batch.count
    }
  }
  return numbers.sort((a, b) => a - b)
}

const replayed = async () => (await view.bounds('_replay.late@1'))[0]?.next ?? 0
const behind = async (topic: string) =>
  (await view.standings())
    .filter(at => at.group === 'late@1' && at.topic === topic)
    .reduce((sum, { checkpoint, next }) => sum + next - checkpoint.offset, 0)

it('a dry run says what would be given to whom, with examples, and gives nothing', { timeout: 120_000 }, async () => {
  expect(await json('replay', 'late', '--from', 'earliest', '--dry-run')).toMatchObject({
    ...{ dry_run: true, agent: 'late', version: 1, chosen: PAST, before: PAST, handled: 0, ahead: 0, asked: 1_000, done: 0 },
    examples: [{ topic: 'reading', data: expect.stringContaining('"n":') }, {}, {}],
  })
  expect(await json('replay', 'first', '--from', 'earliest', '--dry-run')).toMatchObject({ chosen: PAST, before: 0, handled: PAST })
  expect(await replayed()).toBe(0)
  // Nobody is there to say that it is meant.
  expect(await run(['replay', 'late', '--from', 'earliest'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--dry-run') })
  expect(await run(['replay', 'nobody', '--from', 'earliest', '--yes'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('first@1'),
  })
  expect(await run(['replay', 'late', '--yes'])).toMatchObject({ code: 2, stderr: expect.stringContaining('--from') })
  expect(await replayed()).toBe(0)
})

it('the past is replayed beside live data, killed half way with its process, and gone on with: nothing is lost, nothing doubled, and live data do not wait', {
  timeout: 300_000,
}, async () => {
  await using replaying = start(['replay', 'late', '--from', 'earliest', '--rate', '400/s', '--yes'], { cwd })
  await using sending = start(['send', '--topic', 'reading', '-', '--rate', '100'], { cwd })
  sending.process.stdin?.end(lines(PAST, PAST + LIVE))
  let waited = 0
  await until(async () => {
    waited = Math.max(waited, await behind('reading'))
    return (await replayed()) >= PAST / 4
  })
  replaying.process.kill('SIGKILL')
  await replaying.ended
  const half = await replayed()
  expect(half).toBeLessThan(PAST)

  const { replays } = await json('replay', 'list')
  expect(replays).toMatchObject([{ replay: 1, agent: 'late', version: 1, by: expect.stringContaining('@'), state: 'open', rate: 400 }])
  await using goingOn = start(['replay', '--resume', '1', '--rate', '100/s'], { cwd })
  expect((await sending.ended).code).toBe(0)
  await until(async () => (await replayed()) >= (half + PAST) / 2)
  running.process.kill('SIGKILL')
  await running.ended
  expect(await goingOn.ended).toMatchObject({ code: 5, stderr: expect.stringContaining('millrace replay --resume 1') })
  running = start(['start', 'pipeline.ts', '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'], { cwd })
  await running.until(/look at it on/)
  const resumed = await json('replay', '--resume', '1', '--rate', '400')
  expect(resumed).toMatchObject({ replay: 1, complete: true })
  await until(async () => {
    waited = Math.max(waited, await behind('reading'))
    return (await numbersIn('made')).length >= PAST + LIVE && (await behind('reading')) === 0 && (await behind('_replay.late@1')) === 0
  })
  expect(await numbersIn('made')).toEqual(Array.from({ length: PAST + LIVE }, (_, n) => n))
  expect(waited).toBeLessThan(LIVE_BOUND)
  expect((await json('replay', 'list')).replays).toMatchObject([{ replay: 1, state: 'complete', replayed: expect.any(Number), unread: 0 }])

  // Done is done: whoever replays the same again changes nothing.
  expect(await json('replay', 'late', '--from', 'earliest', '--yes', '--rate', '100000')).toMatchObject({ replayed: 0, done: PAST + LIVE })
  expect(await json('ledger')).toMatchObject({ balanced: true })
  expect((await numbersIn('made')).length).toBe(PAST + LIVE)
})

it('data are chosen by id, and an agent is given those alone', { timeout: 120_000 }, async () => {
  const { stdout } = await run(['tap', 'reading', '--from', 'earliest', '--limit', '2', '--json'])
  const ids = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).data_id)
  expect(await json('replay', 'late', '--ids', ids.join(','), '--dry-run')).toMatchObject({ chosen: 2, what: '2 data by id', done: 2 })
  expect(await json('replay', 'late', '--ids', ids.join(','), '--yes')).toMatchObject({ replayed: 0, done: 2 })
  const unknown = '01920000-0000-7000-8000-000000000000'
  expect(await run(['replay', 'late', '--ids', unknown, '--yes'])).toMatchObject({ code: 3, stderr: expect.stringContaining(unknown) })
})
