import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import { mint, parseId } from '../../src/envelope/data-id.ts'
import { FrameWriter } from '../../src/envelope/frame.ts'
import { MemoryBroker } from '../../src/stream/adapters/memory/index.ts'
import { type ExportOptions, exportTopics } from '../../src/transfer/export.ts'
import { readManifest } from '../../src/transfer/manifest.ts'
import { fill } from './project.ts'

async function scene(): Promise<Omit<ExportOptions, 'signal' | 'as'>> {
  const at = mkdtempSync(join(tmpdir(), 'millrace-export-'))
  const data = join(at, 'data')
  await fill(data, 0, 3_000)
  const view = viewEmbedded(data)
  onTestFinished(async () => {
    await view.close()
    rmSync(at, { recursive: true, force: true })
  })
  const ranges = (await view.bounds('readings')).map(({ first, next }, partition) => ({
    topic: 'readings',
    partition,
    from: first,
    end: next,
  }))
  return { view, out: join(at, 'out'), ranges, fileBytes: 20_000, moved: () => undefined, unstorable: () => undefined }
}

function linesIn(out: string): string[] {
  const names = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter(name => name.endsWith('.ndjson'))
  return names.flatMap(name => readFileSync(join(out, name), 'utf8').trimEnd().split('\n'))
}

const ndjson = { format: 'ndjson', compression: 'none' } as const

it('an export that is interrupted leaves whole files and a manifest of them, and goes on from there', async () => {
  const options = await scene()
  const reads: number[] = []
  for (let stop = 2; ; stop += 3) {
    const interrupt = new AbortController()
    let left = stop
    const view: ExportOptions['view'] = {
      read: (...args) => {
        if (--left === 0) interrupt.abort()
        return options.view.read(args[0], args[1], args[2], 30_000)
      },
    }
    await exportTopics({ ...options, view, as: ndjson, signal: interrupt.signal })
    const names = readdirSync(options.out, { recursive: true, encoding: 'utf8' })
    expect(names.filter(name => name.includes('.writing'))).toEqual([])
    const files = readManifest(options.out)?.files ?? []
    expect(files.map(({ path }) => path).sort()).toEqual(names.filter(name => name.endsWith('.ndjson')).sort())
    expect(linesIn(options.out)).toHaveLength(files.reduce((sum, { count }) => sum + count, 0))
    reads.push(stop - left)
    if (!interrupt.signal.aborted) break
  }
  expect(reads.length).toBeGreaterThan(2)
  const ids = linesIn(options.out).map(line => JSON.parse(line).data_id)
  expect(ids).toHaveLength(3_000)
  expect(new Set(ids).size).toBe(3_000)
})

/** A log of one partition in memory; data without a time can be in no file. */
async function log() {
  const out = mkdtempSync(join(tmpdir(), 'millrace-export-'))
  onTestFinished(() => rmSync(out, { recursive: true, force: true }))
  const stream = new MemoryBroker().connect()
  await stream.ensure([{ name: 'readings', partitions: 1, retentionMs: Number.POSITIVE_INFINITY }])
  const append = async (times: readonly number[]) => {
    const writer = new FrameWriter()
    for (const createdMs of times) {
      const [id, source, parents] = [parseId(mint(Date.now())), Buffer.from('meter'), new Uint8Array(0)]
      const datum = {
        id,
        idAt: 0,
        supplied: false,
        source,
        createdMs,
        contentType: 'application/json',
        type: '',
        key: '',
        parents,
        data: '1',
      }
      writer.add(datum)
    }
    await stream.append([{ topic: 'readings', partition: 0, ...writer.take() }])
  }
  const leftOut: number[] = []
  const run = (from: number, end: number, view: ExportOptions['view'] = stream) =>
    exportTopics({
      view,
      out,
      as: ndjson,
      ranges: [{ topic: 'readings', partition: 0, from, end }],
      fileBytes: 1_000_000,
      signal: new AbortController().signal,
      moved: () => undefined,
      unstorable: ({ offset }) => leftOut.push(offset),
    })
  const ranges = () => readManifest(out)?.files.map(({ first, end, count }) => [first, end, count])
  return { stream, append, run, ranges, leftOut }
}

it('goes on behind all that it looked at, also where that begins and ends with what can be in no file', async () => {
  const { append, run, ranges, leftOut } = await log()
  await append([Number.NaN, 1, 2, Number.NaN])
  expect(await run(0, 4)).toMatchObject([{ written: 2 }])
  expect(ranges()).toEqual([[0, 4, 2]])
  expect(await run(0, 4)).toMatchObject([{ written: 0 }])
  await append([Number.NaN, Number.NaN])
  expect(await run(4, 6)).toMatchObject([{ written: 0 }])
  await append([3])
  expect(await run(6, 7)).toMatchObject([{ written: 1, data: 3 }])
  expect(ranges()).toEqual([
    [0, 6, 2],
    [6, 7, 1],
  ])
  expect(leftOut).toEqual([0, 3, 4, 5])
})

it('waits for what a broker does not show just now, and takes it for no end', async () => {
  const { stream, append, run, ranges } = await log()
  await append([1, 2])
  await append([3, 4])
  let hidden = 2
  const read: ExportOptions['view']['read'] = async (topic, partition, from, maxBytes) => {
    const batch = await stream.read(topic, partition, from, from < 2 ? 1 : maxBytes)
    return from < 2 || hidden-- <= 0 ? batch : { ...batch, first: from, count: 0, frames: new Uint8Array(0) }
  }
  expect(await run(0, 4, { read })).toMatchObject([{ written: 4 }])
  expect(ranges()).toEqual([[0, 4, 4]])
})

it('an export whose log fails leaves nothing half written', async () => {
  const options = await scene()
  let left = 3
  const view: ExportOptions['view'] = {
    read: async (...args) => {
      if (--left === 0) throw new Error('the disk is gone')
      return options.view.read(args[0], args[1], args[2], 30_000)
    },
  }
  const failing = exportTopics({ ...options, view, as: { format: 'parquet', compression: 'zstd' }, signal: new AbortController().signal })
  await expect(failing).rejects.toThrow('the disk is gone')
  expect(readdirSync(options.out, { recursive: true, encoding: 'utf8' }).filter(name => name.includes('.writing'))).toEqual([])
})
