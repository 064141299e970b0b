import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'

/** Inside the package, so that the snippets' `import … from 'millrace'` finds it as a user's does. */
const HERE = new URL('.', import.meta.url).pathname
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(HERE, '.snippets-'))
})
afterAll(() => rm(folder, { recursive: true }))

test('the recipes of docs/testing.md work as they are printed', { timeout: 60_000 }, async () => {
  const page = await readFile(new URL('../../docs/testing.md', import.meta.url), 'utf8')
  const snippets = [...page.matchAll(/<!-- (\S+) -->\n```ts\n([\s\S]*?)```/g)]
  expect(snippets.map(([, name]) => name)).toEqual(['station.ts', 'station.test.ts', 'retry.test.ts', 'storage.test.ts'])
  for (const [, name, text] of snippets) await writeFile(join(folder, name!), text!)
  const tests = snippets.map(([, name]) => name!).filter(name => name.endsWith('.test.ts'))
  const { NODE_TEST_CONTEXT: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning', '--test', '--test-reporter=tap', ...tests],
    { cwd: folder, env },
  )
  expect(stdout).toMatch(/^# pass 4$/m)
  expect(stdout).toMatch(/^# fail 0$/m)
})
