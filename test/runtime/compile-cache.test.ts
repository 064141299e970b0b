import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const CACHE = new URL('../../src/runtime/compile-cache.ts', import.meta.url).href

const MAIN = `
import { Worker } from 'node:worker_threads'
import { compiledFor, sharingCompiled } from '${CACHE}'
const load = () => import('./pipeline.ts')
await (process.argv[2] === 'shared' ? sharingCompiled('data', load) : load())
new Worker('./thread.js', { env: compiledFor('data') }).on('message', message => console.log(message))
`
/** Node's own TypeScript is a module that it loads once it has types to strip. */
const THREAD = `
import { parentPort } from 'node:worker_threads'
await import('./pipeline.ts')
parentPort.postMessage(process.moduleLoadList.some(name => name.includes('amaro')))
`

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-compiled-'))
  const files = {
    'package.json': '{"type":"module"}',
    'pipeline.ts': 'export default 1 as number',
    'main.js': MAIN,
    'thread.js': THREAD,
  }
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it.each([
  // As it would be otherwise: the thread must have it to do.
  { how: 'by itself', strips: 'true' },
  { how: 'shared', strips: 'false' },
])('a thread strips no types of code that the main thread has loaded $how: $strips', ({ how, strips }) => {
  const { NODE_COMPILE_CACHE: _, ...env } = process.env
  const said = execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', 'main.js', how], { cwd: folder, env })
  expect(String(said).trim()).toBe(strips)
})
