import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { command } from '../../../src/agents/remote/command.ts'
import { remoteSuite } from '../../../src/testing/remote-suite.ts'
import { attachedProgram } from './attached-program.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const CLIENT = here('../../../clients/python')

let folder: string
let site: string
let orders: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-languages-'))
  site = join(folder, 'site')
  orders = join(folder, 'orders')
  execFileSync('python3', ['-m', 'pip', 'install', '--quiet', '--no-cache-dir', '--target', site, CLIENT], { stdio: 'pipe' })
  execFileSync('go', ['build', '-o', orders, '.'], { cwd: here('go'), stdio: 'pipe' })
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('the tests of clients/python pass', () => {
  execFileSync('python3', ['-m', 'unittest', 'discover', 'tests'], {
    cwd: CLIENT,
    stdio: 'pipe',
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: '1' },
  })
})

remoteSuite({ describe, it }, 'a program in Python, as pip installs its library', () =>
  command(['python3', here('orders.py')], { env: { PYTHONPATH: site } }),
)

remoteSuite({ describe, it }, 'a program in Go', () => command([orders]))

remoteSuite({ describe, it }, 'a worker in Python that attaches', () =>
  attachedProgram(['python3', here('orders.py')], { PYTHONPATH: site }),
)

remoteSuite({ describe, it }, 'a worker in Go that attaches', () => attachedProgram([orders]))
