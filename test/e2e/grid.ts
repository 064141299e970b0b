import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const START = fileURLToPath(new URL('../../examples/grid/start.ts', import.meta.url))
const STOP_MS = 15_000

/** The grid as `npm start` runs it, in a folder of its own and on free ports. */
export class Grid implements AsyncDisposable {
  readonly folder: string
  readonly #process: ChildProcess
  #said = ''

  private constructor(folder: string, args: readonly string[]) {
    this.folder = folder
    this.#process = spawn(
      process.execPath,
      [
        '--conditions=millrace-source',
        '--disable-warning=ExperimentalWarning',
        START,
        '--listen',
        '127.0.0.1:0',
        '--ops',
        '127.0.0.1:0',
        ...args,
      ],
      { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] },
    )
    for (const stream of [this.#process.stdout, this.#process.stderr]) stream?.on('data', chunk => (this.#said += chunk))
  }

  static folder(): string {
    return mkdtempSync(join(tmpdir(), 'millrace-grid-'))
  }

  /** @param folder where an earlier run left its data; a new one otherwise. */
  static async start(args: readonly string[], folder = Grid.folder()): Promise<Grid & { url: string }> {
    const grid = new Grid(folder, args)
    const [, url] = await grid.says(/live at (\S+)/)
    return Object.assign(grid, { url: url! })
  }

  /** Waits until the output matches. */
  async says(pattern: RegExp): Promise<RegExpExecArray> {
    return until(`the output ${pattern}`, () => {
      const match = pattern.exec(this.#said)
      if (match === null && this.#process.exitCode !== null)
        throw new Error(`The grid ended with ${this.#process.exitCode}:\n${this.#said}`)
      return match ?? undefined
    })
  }

  /** Ends it as Ctrl-C does. @returns the exit code. */
  async stop(): Promise<number | null> {
    if (this.#process.exitCode !== null) return this.#process.exitCode
    const exited = once(this.#process, 'exit', { signal: AbortSignal.timeout(STOP_MS) })
    this.#process.kill('SIGTERM')
    return ((await exited) as [number | null])[0]
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop()
  }
}

/** Waits for a condition, with a deadline. */
export async function until<T>(what: string, check: () => T | undefined | Promise<T | undefined>, deadlineMs = 90_000): Promise<T> {
  const end = Date.now() + deadlineMs
  for (;;) {
    const found = await check()
    if (found !== undefined) return found
    if (Date.now() > end) throw new Error(`Still waiting for ${what} after ${deadlineMs / 1000} s.`)
    await new Promise(resolve => setTimeout(resolve, 100))
  }
}
