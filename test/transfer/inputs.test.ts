import { cpSync, mkdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { inputsOf } from '../../src/cli/transfer/inputs.ts'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import { exportTopics } from '../../src/transfer/export.ts'
import { readManifest } from '../../src/transfer/manifest.ts'
import { fill } from './project.ts'
import { folder } from './scene.ts'

/** The export of two topics, in several files each. */
async function exported(): Promise<string> {
  const at = folder()
  const [data, out] = [join(at, 'data'), join(at, 'out')]
  await fill(data, 0, 300)
  const view = viewEmbedded(data)
  try {
    const ranges = []
    for (const topic of ['readings', 'frames'])
      for (const [partition, { first, next }] of (await view.bounds(topic)).entries())
        ranges.push({ topic, partition, from: first, end: next })
    await exportTopics({
      view,
      out,
      as: { format: 'ndjson', compression: 'none' },
      ranges,
      fileBytes: 5_000,
      signal: new AbortController().signal,
      moved: () => undefined,
      unstorable: () => undefined,
    })
  } finally {
    await view.close()
  }
  return out
}

function filesOf(out: string): string[] {
  return readManifest(out)!.files.map(({ path }) => path)
}

function thrownBy(act: () => unknown): unknown {
  try {
    act()
  } catch (error) {
    return error
  }
  return undefined
}

it('takes an export as it was written, whole, by topic, by file or from the folder above', async () => {
  const out = await exported()
  const files = filesOf(out).map(path => join(out, path))
  expect(inputsOf([out]).map(({ path }) => path)).toEqual(files.toSorted())
  expect(inputsOf([join(out, '..', 'out', '..', 'out')])).toHaveLength(files.length)
  expect(inputsOf([join(out, 'frames')])).toMatchObject([{ topic: 'frames' }])
  expect(inputsOf([files[0]!])).toMatchObject([{ path: files[0], topic: 'readings' }])
  const above = join(out, '..', 'archives')
  for (const name of ['a', 'b']) cpSync(out, join(above, name), { recursive: true })
  expect(inputsOf([above])).toHaveLength(2 * files.length)
})

it('refuses an export of which a file is missing or is cut off, and names it', async () => {
  const out = await exported()
  const [, lacking] = filesOf(out)
  const above = join(out, '..', 'archives')
  cpSync(out, join(above, 'half'), { recursive: true })
  const file = join(above, 'half', lacking!)
  const refused = (code: string) => {
    for (const named of [above, join(above, 'half'), join(above, 'half', 'readings')])
      expect(thrownBy(() => inputsOf([named]))).toMatchObject({ code, message: expect.stringContaining(file) })
    // What else there is can be taken by name.
    expect(inputsOf([join(above, 'half', 'frames')])).toHaveLength(1)
  }
  truncateSync(file, 100)
  refused('USAGE')
  expect(thrownBy(() => inputsOf([file]))).toMatchObject({ code: 'USAGE' })
  rmSync(file)
  refused('FILE_MISSING')

  rmSync(join(out, 'readings'), { recursive: true })
  rmSync(join(out, 'frames'), { recursive: true })
  expect(thrownBy(() => inputsOf([out]))).toMatchObject({ code: 'FILE_MISSING' })
})

it('takes what no manifest lists as it is', () => {
  const at = folder()
  mkdirSync(join(at, 'lake'))
  writeFileSync(join(at, 'lake', 'a.ndjson'), '{}\n')
  expect(inputsOf([at])).toEqual([{ path: join(at, 'lake', 'a.ndjson'), kind: 'ndjson' }])
})
