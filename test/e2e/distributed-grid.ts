import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { addKeys } from '../../examples/grid/keys.ts'
import { freePort } from '../servers/port.ts'
import { until } from './grid.ts'

const START = fileURLToPath(new URL('../../examples/grid/distributed.ts', import.meta.url))
const PRODUCE = fileURLToPath(new URL('../../examples/grid/produce.ts', import.meta.url))
const START_MS = 300_000
const STOP_MS = 60_000
const KEPT = 200_000

export interface DistributedGridOptions {
  readonly stream: string
  readonly trace: string
  readonly folder: string
  readonly args: readonly string[]
}

/** The grid as `npm run start:distributed` runs it, on servers, ports and in a folder of the test's own. */
export class DistributedGrid implements AsyncDisposable {
  /** The console's operators' listener. */
  readonly url: string
  readonly #process: ChildProcess
  readonly #frontEnds: readonly string[]
  readonly #keys: string
  #said = ''

  private constructor(process: ChildProcess, url: string, frontEnds: readonly string[], keys: string) {
    this.#process = process
    this.url = url
    this.#frontEnds = frontEnds
    this.#keys = keys
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => {
        this.#said = (this.#said + text).slice(-KEPT)
      })
    }
  }

  static async start({ stream, trace, folder, args }: DistributedGridOptions): Promise<DistributedGrid> {
    const [first, second, ops] = [await freePort(), await freePort(), await freePort()].map(port => `127.0.0.1:${port}`)
    const flags = ['--listen', first!, '--listen', second!, '--ops', ops!, '--folder', folder, '--stream', stream, '--trace', trace]
    const process_ = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', START, ...flags, ...args], {
      cwd: folder,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const grid = new DistributedGrid(process_, `http://${ops}`, [`http://${first}`, `http://${second}`], join(folder, 'keys'))
    await grid.says(/live at/, START_MS)
    return grid
  }

  /** Waits until what it has said matches. */
  async says(pattern: RegExp, deadlineMs: number): Promise<RegExpExecArray> {
    return this.#while(`it to say ${pattern}`, deadlineMs, () => pattern.exec(this.#said) ?? undefined)
  }

  /** Waits for a condition, and tells what the grid has said where that does not come true. */
  async until<T>(what: string, deadlineMs: number, check: () => Promise<T | undefined>): Promise<T> {
    return this.#while(what, deadlineMs, check)
  }

  async #while<T>(what: string, deadlineMs: number, check: () => T | undefined | Promise<T | undefined>): Promise<T> {
    try {
      return await until(
        what,
        () => {
          if (this.#process.exitCode !== null) throw new Error(`The grid ended with ${this.#process.exitCode}.`)
          return check()
        },
        deadlineMs,
      )
    } catch (cause) {
      throw new Error(`${cause instanceof Error ? cause.message : String(cause)} It said:\n${this.#said}`, { cause })
    }
  }

  /** SIGKILL to the process of that name. @returns what waits until it has been started again and is ready. */
  kill(name: string): (deadlineMs: number) => Promise<void> {
    const before = this.#pids(name)
    const pid = before.at(-1)
    if (pid === undefined) throw new Error(`${name} has not been ready yet`)
    process.kill(pid, 'SIGKILL')
    return async deadlineMs => {
      await this.until(`${name} to be ready again`, deadlineMs, async () => (this.#pids(name).length > before.length ? true : undefined))
    }
  }

  /** Of each time that it became ready. */
  #pids(name: string): number[] {
    return [...this.#said.matchAll(new RegExp(`^${name} +pid (\\d+) is ready`, 'gm'))].map(match => Number(match[1]))
  }

  /** Sends a file once more, as fast as it is taken, by a producer of the same source with keys of its own. @returns what that says. */
  async sendAgain(csv: string): Promise<string> {
    const { env } = await addKeys(['--data', this.#keys])
    const headers = { authorization: `Bearer ${env.GRID_DEMAND_KEY}`, 'content-type': 'application/x-ndjson' }
    for (const url of this.#frontEnds) {
      await this.until(`${url} to know the new key`, START_MS, async () => {
        const { status } = await fetch(`${url}/v1/topics/demand/batch`, { method: 'POST', headers, body: '' })
        return status === 401 ? undefined : true
      })
    }
    const urls = this.#frontEnds.flatMap(url => ['--url', url])
    const args = ['--disable-warning=ExperimentalWarning', PRODUCE, ...urls, '--csv', csv, '--rate', '10000']
    return (await promisify(execFile)(process.execPath, args, { env: { ...process.env, ...env } })).stdout
  }

  /** Ends it as Ctrl-C does. @returns the exit code. */
  async stop(): Promise<number | null> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return this.#process.exitCode
    const exited = once(this.#process, 'exit', { signal: AbortSignal.timeout(STOP_MS) })
    this.#process.kill('SIGINT')
    return ((await exited) as [number | null])[0] // what a child's exit comes with
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.stop()
    } finally {
      // Its processes end with it, however it ends.
      this.#process.kill('SIGKILL')
    }
  }
}
