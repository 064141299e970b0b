import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const READY_MS = 60_000

export interface StartOptions {
  /** As it is called in messages. */
  readonly name?: string
  readonly file: string
  readonly data: string
  readonly env?: Readonly<Record<string, string>>
  readonly args?: readonly string[]
  readonly cwd?: string
  /** How long until it must be ready. Default 60 s: a busy machine is no fault of its. */
  readonly readyMs?: number
}

/** A real `millrace start` in a process of its own, to be killed. */
export class Millrace {
  readonly pid: number
  /** Resolves with how it ended: its exit code, or the signal that killed it. */
  readonly ended: Promise<{ code: number | null; signal: NodeJS.Signals | null }>
  /** Resolves with its URLs; rejects where it ends before it is ready. */
  readonly ready: Promise<{ listen: string; operators: string; attach?: string }>
  readonly #child: ChildProcess
  #errors = ''

  constructor(options: StartOptions) {
    const { name = 'millrace', file, data, env = {}, args = ['start'], cwd, readyMs = READY_MS } = options
    const node = ['--conditions=millrace-source', '--disable-warning=ExperimentalWarning', MAIN]
    const flags = ['--data', data, '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0', '--json']
    this.#child = spawn(process.execPath, [...node, ...args, file, ...flags], {
      env: { ...process.env, ...env },
      ...(cwd === undefined ? {} : { cwd }),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.pid = this.#child.pid!
    this.#child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      this.#errors = (this.#errors + text).slice(-100_000)
    })
    this.ended = once(this.#child, 'close').then(([code, signal]) => ({ code, signal }))
    const first = once(createInterface(this.#child.stdout!), 'line').then(
      ([line]) => JSON.parse(line) as { listen: string; operators: string; attach?: string },
    )
    const gone = this.ended.then(end => {
      throw new Error(`${name} ended before it was ready, ${end.signal ?? end.code}:\n${this.#errors}`)
    })
    const late = new Promise<never>((_, reject) => {
      setTimeout(() => reject(new Error(`${name} was not ready after ${readyMs} ms:\n${this.#errors}`)), readyMs).unref()
    })
    this.ready = Promise.race([first, gone, late])
    // Who starts it to see it die does not wait for it.
    this.ready.catch(() => undefined)
    gone.catch(() => undefined)
    late.catch(() => undefined)
  }

  /** What it has said on stderr so far. */
  get errors(): string {
    return this.#errors
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal)
  }

  /** Stops it in order. @returns its exit code. */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM')
    return (await this.ended).code
  }

  /** Ends whatever is left of it. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.signal('SIGKILL')
    await this.ended
  }
}
