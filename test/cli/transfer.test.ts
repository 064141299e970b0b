import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { openEmbedded, viewEmbedded } from '../../src/engine/embedded/index.ts'
import { mint } from '../../src/envelope/data-id.ts'
import { everything, fill, type Kept, PIPELINE } from '../transfer/project.ts'
import { folder, millrace, type Ran, start } from './millrace.ts'

async function kept(directory: string, topic: string): Promise<Kept[]> {
  const view = viewEmbedded(directory)
  try {
    return await everything(view, topic)
  } finally {
    await view.close()
  }
}

/** What stays of a datum on its way from one log to another. */
function carried(data: readonly Kept[]): unknown[] {
  return data.map(({ supplied: _, ...datum }) => datum)
}

/** The same by value: Parquet keeps no spelling. */
function valued(data: readonly Kept[]): unknown[] {
  return data.map(({ id, place, key, envelope }) => {
    const { data: text, ...rest } = envelope as { data: string } // everything() made it
    return { id, place, key, ...rest, value: JSON.parse(Buffer.from(text, 'base64').toString()) }
  })
}

function answerOf(ran: Ran, code = 0): Record<string, unknown> {
  expect(ran.code, ran.stderr).toBe(code)
  return JSON.parse(ran.stdout)
}

function scene() {
  const at = folder()
  return { at, pipeline: PIPELINE, data: join(at, 'data'), out: join(at, 'out'), other: join(at, 'other') }
}

const files = (path: string) => (existsSync(path) ? readdirSync(path, { recursive: true, encoding: 'utf8' }).sort() : [])

for (const compression of ['none', 'zstd', 'gzip']) {
  it(`what was exported (${compression}) is imported elsewhere exactly, and importing it again stores nothing`, {
    timeout: 60_000,
  }, async () => {
    const { pipeline, data, out, other } = scene()
    await fill(data, 0, 400)
    const args = [
      'export',
      'readings',
      'frames',
      '--data',
      data,
      '--out',
      out,
      '--compression',
      compression,
      '--file-size',
      '20kB',
      '--json',
    ]
    const exported = answerOf(await millrace(args))
    expect(exported).toMatchObject({
      complete: true,
      topics: [
        { topic: 'readings', written: 400, data: 400 },
        { topic: 'frames', written: 1 },
      ],
    })
    expect(files(out).length).toBeGreaterThan(6)
    expect(files(out).filter(name => name.includes('.writing'))).toEqual([])

    const first = answerOf(await millrace(['import', pipeline, out, '--data', other, '--json']))
    expect(first).toMatchObject({ complete: true, stored: 401, duplicate: 0, rejected: 0 })
    for (const topic of ['readings', 'frames']) expect(carried(await kept(other, topic))).toEqual(carried(await kept(data, topic)))
    expect((await kept(other, 'readings')).every(datum => datum.supplied)).toBe(true)

    const second = answerOf(await millrace(['import', pipeline, out, '--data', other, '--json']))
    expect(second).toMatchObject({ stored: 0, duplicate: 401, rejected: 0 })
    expect(await kept(other, 'readings')).toHaveLength(400)
  })
}

it('what was exported as Parquet is imported with the same values, and names its columns by the fields', { timeout: 60_000 }, async () => {
  const { pipeline, data, out, other } = scene()
  await fill(data, 0, 300)
  answerOf(await millrace(['export', 'readings', 'frames', '--format', 'parquet', '--data', data, '--out', out, '--json']))
  expect(files(out).some(name => name.endsWith('.parquet'))).toBe(true)
  const imported = answerOf(await millrace(['import', pipeline, out, '--data', other, '--json']))
  expect(imported).toMatchObject({ stored: 301, rejected: 0 })
  expect(valued(await kept(other, 'readings'))).toEqual(valued(await kept(data, 'readings')))
  const [frame] = await kept(other, 'frames')
  expect(frame).toMatchObject({ envelope: { data: Buffer.from([0, 255, 0]).toString('base64'), source: 'camera' } })
})

it('an export that is run again goes on behind what is there, and refuses what is another export’s', { timeout: 60_000 }, async () => {
  const { at, data, out } = scene()
  await fill(data, 0, 100)
  const args = ['export', 'readings', '--data', data, '--out', out, '--json']
  answerOf(await millrace(args))
  expect(answerOf(await millrace(args))).toMatchObject({ topics: [{ written: 0, data: 100 }] })
  await fill(data, 100, 60)
  expect(answerOf(await millrace(args))).toMatchObject({ topics: [{ written: 60, data: 160 }] })
  const ids = files(join(out, 'readings')).flatMap(name =>
    readFileSync(join(out, 'readings', name), 'utf8')
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).data_id),
  )
  expect(ids.sort()).toEqual((await kept(data, 'readings')).map(({ id }) => id))

  const asParquet = await millrace([...args, '--format', 'parquet'])
  expect(asParquet.code).toBe(2)
  expect(asParquet.stderr).toContain('holds an export as ndjson')
  const another = join(at, 'another')
  await fill(another, 0, 500)
  const ofAnother = await millrace(['export', 'readings', '--data', another, '--out', out])
  expect(ofAnother.code).toBe(2)
  expect(ofAnother.stderr).toContain('The export is of another log')
})

it('an export takes a range, by time or by an offset of one partition', { timeout: 60_000 }, async () => {
  const { at, data, out } = scene()
  await fill(data, 0, 100)
  const range = ['--partition', '1', '--from', '3', '--to', '10']
  const one = answerOf(await millrace(['export', 'readings', '--data', data, '--out', out, '--json', ...range]))
  expect(one).toMatchObject({ topics: [{ written: 7 }] })
  const future = ['--from', '2099-01-01T00:00:00Z']
  const none = answerOf(await millrace(['export', 'readings', '--data', data, '--out', join(at, 'none'), '--json', ...future]))
  expect(none).toMatchObject({ topics: [{ written: 0 }] })
  const unclear = await millrace(['export', 'readings', '--data', data, '--out', out, '--from', '3'])
  expect(unclear.code).toBe(2)
  expect(unclear.stderr).toContain('Say which one with --partition')
  const before = await millrace(['export', 'readings', '--data', data, '--out', out, '--partition', '1'])
  expect(before.code).toBe(2)
  expect(before.stderr).toContain('offset 0 comes before that')
  const unknown = await millrace(['export', 'nothing', '--data', data, '--out', out])
  expect(unknown.code).toBe(3)
})

it('an export reads a data directory that a process runs on', { timeout: 60_000 }, async () => {
  const { data, out } = scene()
  await fill(data, 0, 50)
  const engine = await openEmbedded({ directory: data })
  try {
    expect(answerOf(await millrace(['export', 'readings', '--data', data, '--out', out, '--json']))).toMatchObject({
      topics: [{ written: 50 }],
    })
  } finally {
    await engine.close()
  }
})

it('an import names what does not match by file and line, stores the rest, and ends with 4', { timeout: 60_000 }, async () => {
  const { at, pipeline, other } = scene()
  const line = (datum: unknown, more: object = {}) =>
    JSON.stringify({ data_id: mint(Date.now()), source: 'meter', created: '2026-01-31T08:00:00Z', type: 'readings', data: datum, ...more })
  const lines = [
    line({ station: 'a', n: 1 }),
    line({ station: 'a', n: 'two' }),
    '{"data_id": "x", "data": "aGk="',
    line({ station: 'b', n: 4 }, { data_id: 'no-uuid' }),
    line(Buffer.from('{"station":"c","n":5}').toString('base64'), { parents: [mint(1_000)] }),
    '{"station": "d", "n": 6}',
  ]
  const file = join(at, 'mixed.ndjson')
  writeFileSync(file, `${lines.join('\n')}\n`)
  const ran = await millrace(['import', pipeline, file, '--data', other])
  expect(ran.code, ran.stderr).toBe(4)
  expect(ran.stdout).toContain('stored 2, duplicate 0, rejected 4')
  for (const [number, words] of [
    [2, 'n: '],
    [3, 'expected JSON'],
    [4, 'data_id: Expected a UUID'],
    [6, 'it is no envelope'],
  ] as const)
    expect(ran.stderr).toMatch(new RegExp(`mixed\\.ndjson:${number}: .*${words}`))
  const stored = await kept(other, 'readings')
  expect(stored.map(({ key }) => key).sort()).toEqual(['a', 'c'])
  expect(stored.find(({ key }) => key === 'c')?.envelope).toMatchObject({ source: 'meter', createdMs: Date.parse('2026-01-31T08:00:00Z') })
})

it('an import refuses plain data, derived topics, its own log, and what is not there', { timeout: 60_000 }, async () => {
  const { at, pipeline, data, out, other } = scene()
  const refused = async (args: readonly string[], code: number, words: string) => {
    const ran = await millrace(['import', pipeline, ...args])
    expect(ran.code, ran.stderr).toBe(code)
    expect(ran.stderr).toContain(words)
  }
  const plain = join(at, 'plain.ndjson')
  writeFileSync(plain, '{"station": "a", "n": 1}\n')
  await refused([plain, '--data', other], 2, `millrace send ${plain}`)
  await refused([join(at, 'nothing.ndjson'), '--data', other], 3, 'There is no file or folder')
  mkdirSync(join(at, 'empty'))
  await refused([join(at, 'empty'), '--data', other], 2, 'holds no NDJSON and no Parquet')

  await fill(data, 0, 20)
  await millrace(['export', 'readings', '--data', data, '--out', out])
  await refused([out, '--data', data], 2, 'Import it into another data directory')
  expect(await kept(data, 'readings')).toHaveLength(20)
  await refused([out, '--data', other, '--topic', 'doubles'], 1, 'write the topic')

  await using running = start(['start', pipeline, '--data', other, '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'])
  await running.until(/is running/)
  await refused([out, '--data', other], 5, 'is in use by process')
})

it('a move says what it needs, and leaves alone what is another pipeline’s or in use', { timeout: 60_000 }, async () => {
  const { at, pipeline, data } = scene()
  const to = ['--stream', 'kafka://127.0.0.1:1', '--trace', 'redis://127.0.0.1:1']
  const refused = async (args: readonly string[], code: number, words: string) => {
    const ran = await millrace(['move', ...args])
    expect(ran.code, ran.stderr).toBe(code)
    expect(ran.stderr).toContain(words)
  }
  await refused([pipeline, '--data', data], 2, 'move needs to know where to')
  await refused([pipeline, '--data', join(at, 'nothing'), ...to], 3, 'There is no data directory')
  expect(existsSync(join(at, 'nothing'))).toBe(false)
  await using running = start(['start', pipeline, '--data', data, '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'])
  await running.until(/is running/)
  await refused([pipeline, '--data', data, ...to], 5, 'is in use by process')
  running.process.kill('SIGTERM')
  await running.ended
  const other = join(import.meta.dirname, '../faults/pipeline.ts')
  await refused([other, '--data', data, ...to], 2, 'No agent of faults has run on the data directory; those that have are double@1')
})
