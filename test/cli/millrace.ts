import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { onTestFinished } from 'vitest'

const MAIN = resolve(import.meta.dirname, '../../src/cli/main.ts')
/** Longer than any test file may take: nothing outlives it. */
const DEADLINE_MS = 600_000

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  readonly cwd?: string
  readonly input?: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs the real command line as a child process, without a terminal, until it ends by itself. */
export async function millrace(args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  await using child = start(args, options)
  child.process.stdin?.end(options.input ?? '')
  return await child.ended
}

/** A command that runs until it is told to end; disposing kills it. */
export interface Started extends AsyncDisposable {
  readonly process: ChildProcess
  readonly ended: Promise<Ran>
  /** Resolves with stdout once it matches; rejects when the process ends first or the deadline passes. */
  until(pattern: RegExp): Promise<string>
}

export function start(args: readonly string[], options: RunOptions = {}): Started {
  const child = spawn(process.execPath, ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning', MAIN, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: environment(options.env),
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  const said = { stdout: '', stderr: '' }
  const listeners = new Set<() => void>()
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      said[name] += text
      for (const listener of listeners) listener()
    })
  }
  // A command that ends before it has read its input closes the pipe.
  child.stdin.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const killer = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS)
  const ended = new Promise<Ran>((settle, fail) => {
    child.on('error', fail)
    child.on('close', code => {
      clearTimeout(killer)
      settle({ code, ...said })
    })
  })
  return {
    process: child,
    ended,
    until: pattern => until(pattern, said, listeners, ended),
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL')
      await ended
    },
  }
}

function until(
  pattern: RegExp,
  said: { stdout: string; stderr: string },
  listeners: Set<() => void>,
  ended: Promise<Ran>,
): Promise<string> {
  return new Promise((settle, fail) => {
    const check = () => {
      if (!pattern.test(said.stdout)) return
      listeners.delete(check)
      settle(said.stdout)
    }
    listeners.add(check)
    check()
    ended.then(({ code }) => fail(new Error(`It ended with ${code} before it said ${pattern}:\n${said.stdout}\n${said.stderr}`)))
  })
}

/** Nothing of this machine's settings, so that a test means the same everywhere. */
function environment(extra: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('MILLRACE_') && name !== 'FORCE_COLOR' && name !== 'NODE_OPTIONS',
  )
  return { ...Object.fromEntries(kept), ...extra }
}

/** An empty folder that goes when the test ends. */
export function folder(): string {
  const path = emptyFolder()
  onTestFinished(() => remove(path))
  return path
}

/** An empty folder, to be removed by whoever made it. */
export function emptyFolder(): string {
  return mkdtempSync(join(tmpdir(), 'millrace-cli-'))
}

export function remove(path: string): void {
  rmSync(path, { recursive: true, force: true })
}
