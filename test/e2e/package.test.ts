import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const ROOT = resolve(import.meta.dirname, '../..')
const WINDOWS = process.platform === 'win32'
const DEADLINE_MS = 120_000

let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'millrace-package-'))
})
afterAll(() => rmSync(folder, { recursive: true, force: true }))

it('what npm packs installs into an empty folder and runs the first pipeline of the README as printed', {
  timeout: DEADLINE_MS,
}, async () => {
  await run('npm', ['pack', '--pack-destination', folder], ROOT)
  const tarball = readdirSync(folder).find(name => name.endsWith('.tgz'))!
  const home = join(folder, 'home')
  mkdirSync(home)
  await run('npm', ['install', join(folder, tarball), 'zod', '--prefer-offline', '--no-audit', '--no-fund'], home)
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
  const readme = readFileSync(join(ROOT, 'README.md'), 'utf8')
  const block = /<!-- examples\/first\/pipeline\.ts -->\s*```ts\n([\s\S]*?)```/.exec(readme)
  return block![1]!
}

interface Started extends AsyncDisposable {
  readonly process: ChildProcess
  readonly ended: Promise<number | null>
  until(pattern: RegExp): Promise<string>
}

function start(command: string, args: readonly string[], cwd: string): Started {
  const child = spawn(command, args, { cwd, env: environment(), stdio: ['ignore', 'pipe', 'pipe'], shell: WINDOWS, detached: !WINDOWS })
  const said = { stdout: '', stderr: '' }
  const ended = new Promise<number | null>((settle, fail) => {
    child.on('error', fail)
    child.on('close', settle)
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
  return {
    process: child,
    ended,
    until: pattern =>
      new Promise((settle, fail) => {
        const check = () => pattern.test(said.stdout) && settle(said.stdout)
        child.stdout.on('data', check)
        check()
        ended.then(code => fail(new Error(`${command} ${args.join(' ')} ended with ${code}:\n${said.stdout}\n${said.stderr}`)), fail)
      }),
    async [Symbol.asyncDispose]() {
      // The whole group: killing npx alone would leave behind what it has started.
      if (child.exitCode === null && child.signalCode === null && child.pid !== undefined)
        process.kill(WINDOWS ? child.pid : -child.pid, 'SIGKILL')
      await ended
    },
  }
}

/** stdout of a command that must succeed. */
async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const child = start(command, args, cwd)
  let stdout = ''
  child.process.stdout?.on('data', (text: string) => (stdout += text))
  let stderr = ''
  child.process.stderr?.on('data', (text: string) => (stderr += text))
  const code = await child.ended
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}\n${stderr}`)
  return stdout
}

/** As a user has it: this Node first, nothing of npm's own run around the tests, no condition that leads to the sources. */
function environment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !/^(npm_|MILLRACE_|NODE_OPTIONS$|VITEST|FORCE_COLOR$)/i.test(name))
  return { ...Object.fromEntries(kept), PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) }
}
