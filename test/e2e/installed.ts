import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync } from 'node:fs'
import { delimiter, dirname, join, resolve } from 'node:path'

const ROOT = resolve(import.meta.dirname, '../..')
const WINDOWS = process.platform === 'win32'

/** Packs Millrace and installs it, with other packages, into an empty project in the folder. @returns where that is. */
export async function installPacked(folder: string, packages: readonly string[]): Promise<string> {
  await run('npm', ['pack', '--pack-destination', folder], ROOT)
  const tarball = readdirSync(folder).find(name => name.endsWith('.tgz'))!
  const home = join(folder, 'home')
  mkdirSync(home)
  await run('npm', ['install', join(folder, tarball), ...packages, '--prefer-offline', '--no-audit', '--no-fund'], home)
  return home
}

export interface Started extends AsyncDisposable {
  readonly process: ChildProcess
  readonly ended: Promise<number | null>
  until(pattern: RegExp): Promise<string>
}

/** @param env beside what a user has. */
export function start(command: string, args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Started {
  const child = spawn(command, args, {
    cwd,
    env: { ...environment(), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    shell: WINDOWS,
    detached: !WINDOWS,
  })
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
export async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
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
  const kept = Object.entries(process.env).filter(
    ([name]) => !/^(npm_|MILLRACE_|NODE_OPTIONS$|NODE_COMPILE_CACHE$|VITEST|FORCE_COLOR$)/i.test(name),
  )
  return { ...Object.fromEntries(kept), PATH: [dirname(process.execPath), process.env.PATH].join(delimiter) }
}
