import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { installPacked, run, start } from './installed.ts'

const DEADLINE_MS = 120_000

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-package-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('what npm packs installs into an empty folder and runs the first pipeline of the README as printed', {
  timeout: DEADLINE_MS,
}, async () => {
  const home = await installPacked(folder, ['zod'])
  const code = firstPipeline()
  expect(code.split('\n').length).toBeLessThan(30)
  writeFileSync(join(home, 'pipeline.ts'), code)

  await using dev = start('npx', ['millrace', 'dev', 'pipeline.ts', '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--json'], home)
  const { listen, pid } = JSON.parse((await dev.until(/\n/)).split('\n', 1)[0]!)
  for (const celsius of [20, 20, 20]) {
    const receipt = await fetch(`${listen}/v1/topics/reading`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ sensor: 'a', celsius }),
    })
    expect(await receipt.json()).toMatchObject({ status: 'accepted' })
  }
  await run('npx', ['millrace', 'send', '--topic', 'reading', '{"sensor":"a","celsius":40}'], home)
  const tap = await run('npx', ['millrace', 'tap', 'alert', '--from', 'earliest', '--limit', '1', '--json'], home)
  expect(JSON.parse(tap).data).toEqual({ sensor: 'a', celsius: 40, usual: 25 })

  // The process itself: npx passes no signal on.
  process.kill(pid, 'SIGTERM')
  expect(await dev.ended).toBe(0)
})

/** The code block of the README that is marked as the first pipeline. */
function firstPipeline(): string {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const block = /<!-- examples\/first\/pipeline\.ts -->\s*```ts\n([\s\S]*?)```/.exec(readme)
  return block![1]!
}
