import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { emptyFolder, millrace, type Ran, remove, type Started, start } from './millrace.ts'

const PIPELINE = `import { agent, pipeline, topic } from 'millrace'

const reading = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: value =>
      typeof value?.megawatts === 'number' ? { value } : { issues: [{ message: 'Expected a number', path: ['megawatts'] }] },
  },
}
const demand = topic('demand', reading, { key: d => d.station ?? 'none', partitions: 2 })
const doubled = topic('doubled', reading, { key: d => d.station ?? 'none', partitions: 2 })

const double = agent('double', { version: 1, from: demand, to: doubled, retry: { attempts: 1 } }, datum => {
  if (datum.megawatts < 0) throw new RangeError('negative: ' + datum.megawatts)
  if (datum.station === 'broken') throw new Error('no scale for "' + datum.note + '"')
  return { ...datum, megawatts: datum.megawatts * 2 }
})
export default pipeline('grid', { agents: [double] })
`

let cwd: string
let running: Started

beforeAll(async () => {
  cwd = emptyFolder()
  writeFileSync(join(cwd, 'pipeline.ts'), PIPELINE)
  running = start(['start', 'pipeline.ts', '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'], { cwd })
  await running.until(/look at it on/)
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  remove(cwd)
})

const run = (args: readonly string[], input?: string) => millrace(args, { cwd, ...(input === undefined ? {} : { input }) })
const json = async (...args: string[]) => JSON.parse((await run([...args, '--json'])).stdout)

async function until(args: readonly string[], holds: (ran: Ran) => boolean): Promise<Ran> {
  const deadline = Date.now() + 60_000
  for (;;) {
    const ran = await run(args)
    if (holds(ran)) return ran
    if (Date.now() > deadline) throw new Error(`millrace ${args.join(' ')} still says:\n${ran.stdout}${ran.stderr}`)
  }
}

it('letters are grouped, tried, edited and replayed by group, and what was edited is what the agent does', {
  timeout: 300_000,
}, async () => {
  const bad = Array.from({ length: 30 }, (_, i) => `{"station":"broken","note":"n ${i}","megawatts":${i}}`)
  await run(['send', '--topic', 'demand', '-'], [...bad, '{"station":"CE","megawatts":-7}'].join('\n'))
  await until(['dead', 'groups'], ran => /\b30\b/.test(ran.stdout) && ran.stdout.includes('negative'))
  const { groups } = await json('dead', 'groups')
  expect(groups).toMatchObject([
    { agent: 'double', version: 1, count: 30, shape: 'no scale for <text>', error: { name: 'Error' } },
    { count: 1, shape: 'negative: <n>', error: { name: 'RangeError' } },
  ])
  const [many, one] = groups
  expect((await json('dead', 'list', '--group', one.fingerprint)).letters).toMatchObject([
    { letter: one.example, fingerprint: one.fingerprint },
  ])

  // Nothing is replayed by a dry run, and with the pipeline's file it says what would come of it.
  expect(await json('dead', 'replay', '--all', '--dry-run')).toMatchObject({
    dry_run: true,
    letters: 31,
    groups: [{ count: 30 }, { count: 1 }],
  })
  const tried = await run(['dead', 'replay', '--group', one.fingerprint, '--dry-run', '--using', 'pipeline.ts'])
  expect(tried).toMatchObject({ code: 4, stdout: expect.stringContaining('fails: RangeError: negative: -7') })

  const refused = await run(['dead', 'edit', String(one.example), '-'], '{"station":"CE","megawatts":"seven"}')
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('megawatts: Expected a number') })
  expect(await run(['dead', 'edit', String(one.example), '-'], '{"station":"CE","megawatts":7}\n')).toMatchObject({ code: 0 })
  expect(await json('dead', 'show', String(one.example))).toMatchObject({
    state: 'dead',
    edited: { times: 1, by: expect.stringContaining('@') },
    datum: { json: { megawatts: 7 } },
    original: { json: { megawatts: -7 } },
  })
  const again = await json('dead', 'replay', '--group', one.fingerprint, '--dry-run', '--using', 'pipeline.ts')
  expect(again.tried).toMatchObject([{ outcome: 'outputs', outputs: [{ to: 'doubled', json: { station: 'CE', megawatts: 14 } }] }])

  expect(await json('dead', 'replay', '--group', one.fingerprint)).toEqual({ replayed: [one.example], refused: [] })
  await until(['dead', 'list', '--state', 'done'], ran => ran.stdout.includes('negative'))
  const { stdout } = await run(['tap', 'doubled', '--from', 'earliest', '--no-follow', '--json'])
  const outputs = stdout
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  const { data_id } = await json('dead', 'show', String(one.example))
  expect(outputs).toMatchObject([{ data: { station: 'CE', megawatts: 14 }, parents: [data_id] }])
  expect((await json('dead', 'groups')).groups).toMatchObject([{ fingerprint: many.fingerprint, count: 30 }])
})

it('a replay with a rate is slow, may be interrupted, and says truly which letters it has replayed', { timeout: 300_000 }, async () => {
  await using replaying = start(['dead', 'replay', '--matching', 'no scale', '--rate', '1/s', '--json'], { cwd })
  await until(['dead', 'show', '1', '--json'], ran => JSON.parse(ran.stdout).replays > 0)
  replaying.process.kill('SIGINT')
  const { code, stdout } = await replaying.ended
  const { replayed } = JSON.parse(stdout)
  expect(code).toBe(130)
  expect(replayed.length).toBeGreaterThan(0)
  expect(replayed.length).toBeLessThan(30)
  const { letters } = await json('dead', 'list', '--state', 'any', '--limit', '100')
  const noted = letters.filter((letter: { replays: number }) => letter.replays > 0).map((letter: { letter: number }) => letter.letter)
  expect(new Set(noted)).toEqual(new Set([...replayed, 31]))
})

it('what a command is given wrongly is said before anything happens', { timeout: 120_000 }, async () => {
  expect(await run(['dead', 'replay', '--all', '--rate', 'fast'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('--rate is "fast"'),
  })
  expect(await run(['dead', 'edit', '9999', '-'], '{}')).toMatchObject({ code: 3 })
  expect(await run(['dead', 'edit', '1', 'nowhere.json'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining('There is no file nowhere.json'),
  })
})

it('where no process runs a letter is edited by the pipeline’s file, and replayed when one does', { timeout: 300_000 }, async () => {
  running.process.kill('SIGTERM')
  expect((await running.ended).code).toBe(0)
  const [letter] = (await json('dead', 'list', '--limit', '1')).letters.map((found: { letter: number }) => String(found.letter))
  const datum = '{"station":"NE","megawatts":8}'
  expect(await run(['dead', 'edit', letter, '-'], datum)).toMatchObject({ code: 2, stderr: expect.stringContaining('--using pipeline.ts') })
  const wrong = await run(['dead', 'edit', letter, '-', '--using', 'pipeline.ts'], '{"megawatts":"8"}')
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('Expected a number') })
  expect(await run(['dead', 'edit', letter, '-', '--using', 'pipeline.ts'], datum)).toMatchObject({ code: 0 })
  expect(await json('dead', 'replay', letter)).toEqual({ replayed: [Number(letter)], refused: [] })
  running = start(['start', 'pipeline.ts', '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'], { cwd })
  await running.until(/look at it on/)
  await until(['dead', 'show', letter, '--json'], ran => JSON.parse(ran.stdout).state === 'done')
  const { stdout } = await run(['tap', 'doubled', '--from', 'earliest', '--no-follow', '--where', 'station=NE', '--json'])
  expect(JSON.parse(stdout).data).toEqual({ station: 'NE', megawatts: 16 })
})
