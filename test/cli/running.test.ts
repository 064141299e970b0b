import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { emptyFolder, millrace, type Ran, remove, type Started, start } from './millrace.ts'

const PIPELINE = `import { agent, pipeline, topic } from 'millrace'
import { existsSync } from 'node:fs'

const reading = {
  '~standard': {
    version: 1,
    vendor: 'test',
    validate: value =>
      typeof value?.megawatts === 'number' ? { value } : { issues: [{ message: 'Expected a number', path: ['megawatts'] }] },
  },
}
const demand = topic('demand', reading, { key: d => d.station ?? 'none', partitions: 2 })
const doubled = topic('doubled', reading)

const double = agent('double', { version: 1, from: demand, to: doubled, retry: { attempts: 1 } }, datum => {
  if (datum.station === 'broken' && !existsSync('mended')) throw new Error('the scale is broken')
  return { ...datum, megawatts: datum.megawatts * 2 }
})
export default pipeline('grid', { agents: [double] })
`
const LISTEN = ['--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0']

let cwd: string
let running: Started

beforeAll(async () => {
  cwd = emptyFolder()
  writeFileSync(join(cwd, 'pipeline.ts'), PIPELINE)
  running = start(['start', 'pipeline.ts', ...LISTEN], { cwd })
  await running.until(/look at it on/)
})
afterAll(async () => {
  await running[Symbol.asyncDispose]()
  remove(cwd)
})

const run = (args: readonly string[], input?: string) => millrace(args, { cwd, ...(input === undefined ? {} : { input }) })
const json = async (...args: string[]) => JSON.parse((await run([...args, '--json'])).stdout)

/** Runs a command again until its answer satisfies: agents work while we look. */
async function until(args: readonly string[], holds: (ran: Ran) => boolean): Promise<Ran> {
  const deadline = Date.now() + 20_000
  for (;;) {
    const ran = await run(args)
    if (holds(ran)) return ran
    if (Date.now() > deadline) throw new Error(`millrace ${args.join(' ')} still says:\n${ran.stdout}${ran.stderr}`)
  }
}

describe('send, to a running pipeline', () => {
  it('says where it runs, and finds the running process by its data directory', async () => {
    const said = await running.until(/kept in/)
    expect(said).toMatch(
      /^grid is running, as process \d+\.\n {2}send data to {3}http:\/\/127\.0\.0\.1:\d+\n {2}look at it on {2}http:\/\/127\.0\.0\.1:\d+\n {2}it is kept in {2}/,
    )
    expect(await run(['send', '--topic', 'demand', '{"station":"CE","megawatts":1}'])).toMatchObject({ code: 0 })
  })

  it('a datum on the command line is a new one each time, and its id is what trace asks for', async () => {
    const [first, second] = [
      await run(['send', '--topic', 'demand', '{"station":"CE","megawatts":1}']),
      await run(['send', '--topic', 'demand', '{"station":"CE","megawatts":1}']),
    ]
    expect(first.stdout).toMatch(/^accepted [0-9a-f-]{36}\n$/)
    expect(second.stdout).not.toBe(first.stdout)
    const id = first.stdout.slice('accepted '.length).trim()
    expect((await run(['trace', id])).stdout).toContain(id)
  })

  it('a file sent twice is stored once, and a line that was mended is the only one that is new', async () => {
    const file = join(cwd, 'load.ndjson')
    writeFileSync(file, '{"station":"A","megawatts":1}\n{"station":"A","megawatts":"two"}\n{"station":"A","megawatts":1}\n')
    const first = await run(['send', '--topic', 'demand', file])
    expect(first).toMatchObject({ code: 4, stdout: 'accepted 2, duplicate 0, rejected 1\n' })
    expect(first.stderr).toBe('line 2: megawatts: Expected a number\n')
    writeFileSync(file, '{"station":"A","megawatts":1}\n{"station":"A","megawatts":2}\n{"station":"A","megawatts":1}\n')
    expect(await json('send', '--topic', 'demand', file)).toMatchObject({
      complete: true,
      accepted: 1,
      duplicate: 2,
      rejected: 0,
      rejections: [],
    })
    expect((await run(['send', '--topic', 'demand', file, '--again'])).stdout).toBe('accepted 3, duplicate 0, rejected 0\n')
  })

  it('a CSV becomes data with fields and numbers; one on stdin is sent once as well', async () => {
    const args = ['send', '--topic', 'demand', '-', '--format', 'csv', '--map', 'region=station']
    const input = 'hour,region,megawatts\n2017-01-01T00:00,CSV,10197\n2017-01-01T00:00,CSV,10197\n'
    expect((await run(args, input)).stdout).toBe('accepted 2, duplicate 0, rejected 0\n')
    expect((await run(args, input)).stdout).toBe('accepted 0, duplicate 2, rejected 0\n')
    const { stdout } = await run(['tap', 'demand', '--from', 'earliest', '--no-follow', '--where', 'station=CSV', '--json'])
    expect(
      stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line).data),
    ).toEqual([
      { hour: '2017-01-01T00:00', station: 'CSV', megawatts: 10197 },
      { hour: '2017-01-01T00:00', station: 'CSV', megawatts: 10197 },
    ])
  })

  it('ended by Ctrl-C says how far it came with 130, and the next run sends the rest', async () => {
    const file = join(cwd, 'slow.ndjson')
    writeFileSync(file, [0, 1, 2].map(i => `{"station":"STOP","megawatts":${i}}\n`).join(''))
    const args = ['send', '--topic', 'demand', file, '--json']
    await using sending = start([...args, '--rate', '0.01'], { cwd })
    await until(['tap', 'demand', '--from', 'earliest', '--no-follow', '--where', 'station=STOP'], ran => ran.stdout !== '')
    sending.process.kill('SIGINT')
    const { code, stdout, stderr } = await sending.ended
    expect({ code, answer: JSON.parse(stdout) }).toMatchObject({ code: 130, answer: { complete: false, accepted: 1 } })
    expect(stderr).toBe('Interrupted before the end. Run it again to send the rest: what is stored already is not stored twice.\n')
    expect(JSON.parse((await run(args)).stdout)).toMatchObject({ complete: true, accepted: 2, duplicate: 1 })
  })

  it('names the topics that there are when the topic is not one', async () => {
    expect(await run(['send', '--topic', 'demnd', '{}'])).toMatchObject({
      code: 3,
      stdout: '',
      stderr: expect.stringContaining('There is no topic "demnd"'),
    })
    expect(await run(['tap', 'demnd'])).toMatchObject({
      code: 3,
      stderr: expect.stringMatching(/There is no topic 'demnd' in .*\n {2}It has: demand, doubled\./),
    })
  })
})

describe('tap', () => {
  it('watches live, and ends after so many', async () => {
    await using tap = start(['tap', 'demand', '--where', 'station=LIVE', '--limit', '2', '--json'], { cwd })
    // Until it has said something nobody knows that it is watching: send until it has.
    const first = tap.until(/\n/)
    let seen = false
    void first.then(() => (seen = true))
    for (let i = 0; !seen; i++) await run(['send', '--topic', 'demand', `{"station":"LIVE","megawatts":${i}}`])
    await run(['send', '--topic', 'demand', '{"station":"LIVE","megawatts":-1}'])
    const { code, stdout } = await tap.ended
    expect(code).toBe(0)
    expect(
      stdout
        .trim()
        .split('\n')
        .map(line => JSON.parse(line)),
    ).toEqual([
      expect.objectContaining({
        topic: 'demand',
        key: 'LIVE',
        source: expect.any(String),
        data: expect.objectContaining({ station: 'LIVE' }),
      }),
      expect.objectContaining({ topic: 'demand' }),
    ])
  })

  it('waits for a slow reader without a word', async () => {
    const lines = Array.from({ length: 4_000 }, (_, i) => `{"station":"SLOW","megawatts":${i}}`).join('\n')
    expect((await run(['send', '--topic', 'demand', '-'], lines)).code).toBe(0)
    await using tap = start(['tap', 'demand', '--from', 'earliest', '--no-follow', '--where', 'station=SLOW'], { cwd })
    tap.process.stdout?.pause()
    // What a pipe holds is less than what is to be said: it cannot have ended when another command has come and gone.
    await run(['topics'])
    expect(tap.process.exitCode).toBe(null)
    tap.process.stdout?.resume()
    const { code, stdout, stderr } = await tap.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.trim().split('\n').length).toBe(4_000)
  })

  it('ends with 0 at Ctrl-C, and when its reader goes away', async () => {
    for (const end of ['SIGINT', 'close'] as const) {
      await run(['send', '--topic', 'demand', '{"station":"END","megawatts":1}'])
      await using tap = start(['tap', 'demand', '--from', 'earliest'], { cwd })
      await tap.until(/\n/)
      if (end === 'SIGINT') tap.process.kill('SIGINT')
      else {
        tap.process.stdout?.destroy()
        await run(['send', '--topic', 'demand', '{"station":"EPIPE","megawatts":1}'])
      }
      expect(await tap.ended).toMatchObject({ code: 0, stderr: '' })
    }
  })
})

describe('top', () => {
  it('once gives what there is now, drawn or as JSON', async () => {
    const { stdout, code } = await run(['top', '--once'])
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^grid {2}ready .*\nAGENT .*\ndouble@1 /s)])
    expect(await json('top', '--once')).toMatchObject({ pipeline: 'grid', ready: true, agents: { 'double@1': { state: 'running' } } })
  })
})

describe('find', () => {
  it('gives the newest first, of one key and what matches, and says how many it has looked at', async () => {
    for (const megawatts of [41, 42, 43]) await run(['send', '--topic', 'demand', `{"station":"found","megawatts":${megawatts}}`])
    const found = await run(['find', '--topic', 'demand', '--key', 'found', '--where', 'megawatts>=42', '--json'])
    const data = found.stdout
      .trim()
      .split('\n')
      .map(line => JSON.parse(line))
    expect(data.map(datum => datum.json)).toEqual([
      { station: 'found', megawatts: 43 },
      { station: 'found', megawatts: 42 },
    ])
    const none = await run(['find', '--topic', 'demand', '--source', 'nobody'])
    expect(none).toMatchObject({ code: 0, stdout: '', stderr: expect.stringMatching(/^None of [\d,]+ data\.\n$/) })
  })
})

describe('what became of the data', () => {
  it('trace draws where a datum is, and its lineage', async () => {
    const { stdout } = await run(['tap', 'demand', '--from', 'earliest', '--limit', '1', '--json'])
    const { data_id } = JSON.parse(stdout)
    const traced = await until(['trace', data_id], ran => ran.stdout.includes('done'))
    expect(traced.stdout).toContain('double@1')
    expect(await json('trace', data_id)).toMatchObject({ data_id, agents: [{ agent: 'double', version: 1, state: 'done' }] })
    expect((await run(['trace', data_id, '--lineage'])).stdout).toContain('doubled')
    expect(await run(['trace', '01920000-0000-7000-8000-000000000000'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('There is no datum 01920000'),
    })
  })

  it('a datum that fails is a dead letter, which is shown, replayed, and done once its cause is mended', async () => {
    await run(['send', '--topic', 'demand', '{"station":"broken","megawatts":5}'])
    const listed = await until(['dead', 'list'], ran => ran.stdout.includes('the scale is broken'))
    const letter = /^ *(\d+)/m.exec(listed.stdout)![1]!
    expect(await json('dead', 'show', letter)).toMatchObject({
      agent: 'double',
      version: 1,
      error: { message: expect.stringContaining('the scale is broken') },
      datum: { json: { station: 'broken' } },
    })
    expect(await run(['dead', 'show', '999'])).toMatchObject({ code: 3, stderr: expect.stringContaining('There is no dead letter 999') })
    writeFileSync(join(cwd, 'mended'), '')
    expect(await json('dead', 'replay', letter, '999')).toEqual({ replayed: [Number(letter)], refused: [999] })
    await until(['dead', 'list', '--state', 'done'], ran => ran.stdout.includes('the scale is broken'))
    expect(await run(['dead', 'replay', letter])).toMatchObject({ code: 3 })
    expect(await json('dead', 'list')).toEqual({ letters: [] })
  })

  it('topics, agents and ledger say how the whole stands', async () => {
    expect(await json('topics')).toMatchObject({
      running: true,
      topics: [{ topic: 'demand', read_by: ['double@1'] }, { topic: 'doubled' }],
    })
    expect(await json('agents')).toMatchObject({
      running: true,
      agents: [
        {
          agent: 'double',
          version: 1,
          state: 'running',
          lag: expect.any(Number),
          replicas: { of: 'threads', wanted: 1, threads: 1, restarts: 0 },
        },
      ],
    })
    expect((await run(['topics'])).stdout).toMatch(/^TOPIC .*\ndemand /)
    expect((await run(['agents'])).stdout).toMatch(/^AGENT .*\ndouble@1 +running/)
    expect(await json('ledger')).toMatchObject({ balanced: true })
    expect(await run(['ledger'])).toMatchObject({ code: 0, stderr: 'The ledger balances.\n' })
  })
})

describe('one process for a data directory', () => {
  it('a second is refused, with who has it', async () => {
    const second = await run(['start', 'pipeline.ts', ...LISTEN])
    expect(second).toMatchObject({ code: 5, stdout: '' })
    expect(second.stderr).toMatch(/^error: .*\.millrace/)
  })

  it('SIGTERM ends it in order with 0, and what it kept can be read and changed without it', async () => {
    running.process.kill('SIGTERM')
    expect(await running.ended).toMatchObject({ code: 0, stderr: expect.stringMatching(/Stopped\."\}\n$/) })
    expect(await json('topics')).toMatchObject({ running: false, topics: [{ topic: 'demand' }, { topic: 'doubled' }] })
    expect(await json('agents')).toMatchObject({ running: false, agents: [{ agent: 'double', state: 'stopped' }] })
    expect(await json('ledger')).toMatchObject({
      balanced: true,
      rows: expect.arrayContaining([expect.objectContaining({ agent: 'double', version: 1, topic: 'demand', behind: 0 })]),
    })
    expect(await run(['dead', 'replay', '1'])).toMatchObject({
      code: 3,
      stderr: 'error: None of 1 is a dead letter that is still dead.\n  millrace dead list --state any shows them all.\n',
    })
    // Where it was, and not where a pipeline is by default: another one may be there.
    const [was] = /http:\S+/.exec(await running.until(/kept in/))!
    expect(await run(['send', '--topic', 'demand', '{"megawatts":1}', '--url', was, '--give-up', '1ms'])).toMatchObject({ code: 5 })
  })
})
