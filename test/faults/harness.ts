import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import { audit, behind } from './audit.ts'
import type { Findings } from './findings.ts'
import { Millrace } from './millrace.ts'
import { type Load, Producer } from './producer.ts'

export const FAULT_PIPELINE = fileURLToPath(new URL('./pipeline.ts', import.meta.url))
const PRODUCERS = 3
const LOOK_MS = 50

/** One data directory, a process on it that is killed and started again, and producers that send through it all. */
export class Harness {
  readonly folder = mkdtempSync(join(tmpdir(), 'millrace-fault-'))
  readonly data: string
  readonly lake = join(this.folder, 'lake')
  readonly producers: readonly Producer[]
  readonly #pipeline: string
  #millrace: Millrace | undefined

  constructor(random: () => number, options: Load & { readonly data?: string; readonly pipeline?: string } = {}) {
    this.#pipeline = options.pipeline ?? FAULT_PIPELINE
    this.data = options.data ?? join(this.folder, 'data')
    this.producers = Array.from({ length: PRODUCERS }, (_, i) => new Producer(String(i + 1), () => this.#url(), random, options))
  }

  /** Starts the process. @param failpoint `name:N`: it dies there. */
  start(failpoint?: string, flags: readonly string[] = [], env: Readonly<Record<string, string>> = {}): Millrace {
    this.#millrace = new Millrace({
      file: this.#pipeline,
      data: this.data,
      args: ['start', ...flags],
      env: { FAULT_LAKE: this.lake, MILLRACE_FAILPOINT: failpoint ?? '', ...env },
    })
    return this.#millrace
  }

  async #url(): Promise<string> {
    // While nothing runs there is nowhere to send: as good as a connection refused.
    if (this.#millrace === undefined) throw new Error('not running')
    return (await this.#millrace.ready).listen
  }

  send(): void {
    for (const producer of this.producers) producer.start()
  }

  /** Lets the producers finish: all that they have sent is acknowledged then. */
  async finish(): Promise<void> {
    await Promise.all(this.producers.map(producer => producer.stop()))
  }

  /** Ends the producers whatever they have in hand: there is nobody to send to any more. */
  abandon(): void {
    for (const producer of this.producers) producer.abandon()
  }

  get acknowledged(): number {
    return this.producers.reduce((sum, producer) => sum + producer.acknowledged.size, 0)
  }

  async audit(): Promise<Findings> {
    const view = await viewEmbedded(this.data)
    try {
      return await audit(view, this.lake, this.producers)
    } finally {
      await view.close()
    }
  }

  /** Waits until every agent has handled everything, files included. */
  async rest(deadlineMs: number): Promise<void> {
    const deadline = Date.now() + deadlineMs
    const view = await viewEmbedded(this.data)
    try {
      for (let left = await behind(view); left > 0; left = await behind(view)) {
        if (Date.now() > deadline) {
          throw new Error(
            `${left} data are not handled after ${deadlineMs} ms: ${JSON.stringify(await view.standings(), null, 1)}\n${this.#millrace?.errors}`,
          )
        }
        await sleep(LOOK_MS)
      }
    } finally {
      await view.close()
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.abandon()
    await this.#millrace?.[Symbol.asyncDispose]()
    rmSync(this.folder, { recursive: true, force: true })
  }
}

/** Resolves when `condition` holds. @throws after `deadlineMs`, naming what was waited for. */
export async function until(what: string, deadlineMs: number, condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`After ${deadlineMs} ms still not: ${what}`)
    await sleep(LOOK_MS)
  }
}
