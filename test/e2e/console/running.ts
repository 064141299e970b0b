import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Started, start } from '../../cli/millrace.ts'

const PIPELINE = fileURLToPath(import.meta.resolve('./pipeline.ts'))

/** The console's own pipeline as `millrace start` runs it, in a folder of its own and on free ports. */
export class Running implements AsyncDisposable {
  readonly #process: Started
  readonly #folder: string
  /** Where data go in, and where the console is. */
  readonly frontEnd: string
  readonly ops: string

  private constructor(process: Started, folder: string, frontEnd: string, ops: string) {
    this.#process = process
    this.#folder = folder
    this.frontEnd = frontEnd
    this.ops = ops
  }

  static async start(): Promise<Running> {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-console-'))
    const process = start(['start', PIPELINE, '--listen', '127.0.0.1:0', '--ops', '127.0.0.1:0'], { cwd: folder })
    const said = await process.until(/look at it on\s+(\S+)/)
    const [, frontEnd] = /send data to\s+(\S+)/.exec(said) ?? []
    const [, ops] = /look at it on\s+(\S+)/.exec(said) ?? []
    return new Running(process, folder, frontEnd!, ops!)
  }

  /** The file of operators' tokens: once there is one, everybody is asked who they are. */
  get tokensFile(): string {
    return join(this.#folder, '.millrace', 'ops-tokens.json')
  }

  /** Sends data to the topic `reading`. @returns the HTTP status. */
  async send(data: readonly unknown[], key?: string): Promise<number> {
    const { status } = await fetch(`${this.frontEnd}/v1/topics/reading/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(key === undefined ? {} : { authorization: `Bearer ${key}` }) },
      body: JSON.stringify(data),
    })
    return status
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process[Symbol.asyncDispose]()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
