import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
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
