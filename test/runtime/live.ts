import { setTimeout as sleep } from 'node:timers/promises'
import { viewEmbedded } from '../../src/engine/embedded/index.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import { Millrace } from '../faults/millrace.ts'
import { Project } from './project.ts'

const LOOK_MS = 30
const READ_BYTES = 4_000_000

/** A user's folder with a process of theirs that runs in it. */
export class Live {
  readonly project: Project
  readonly data: string
  #millrace: Millrace

  constructor(files: Readonly<Record<string, string>>, command: 'dev' | 'start' = 'start') {
    this.project = new Project(files)
    this.data = this.project.path('.millrace')
    this.#millrace = this.launch(command)
  }

  /** Another process in the same folder; the one before is forgotten. */
  launch(command: 'dev' | 'start' = 'start'): Millrace {
    this.#millrace = new Millrace({ file: 'pipeline.ts', data: this.data, args: [command], cwd: this.project.folder })
    return this.#millrace
  }

  get millrace(): Millrace {
    return this.#millrace
  }

  async send(topic: string, data: readonly unknown[]): Promise<number> {
    const { listen } = await this.#millrace.ready
    const response = await fetch(`${listen}/v1/topics/${topic}/batch`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-ndjson' },
      body: data.map(datum => JSON.stringify(datum)).join('\n'),
    })
    await response.arrayBuffer()
    return response.status
  }

  async ask(path: string): Promise<Record<string, unknown>> {
    const { operators } = await this.#millrace.ready
    const response = await fetch(`${operators}${path}`)
    return (await response.json()) as Record<string, unknown> // the documented answer
  }

  /** The values in a topic, in the order of their partitions. */
  async topic(name: string): Promise<Record<string, unknown>[]> {
    const view = await viewEmbedded(this.data)
    try {
      const values: Record<string, unknown>[] = []
      for (const [partition, { first, next }] of (await view.bounds(name)).entries()) {
        for (let offset = first; offset < next; ) {
          const batch = await view.read(name, partition, offset, READ_BYTES)
          const cursor = new FrameCursor(batch.frames, batch.ascii)
          while (cursor.next()) values.push(JSON.parse(cursor.dataText))
          offset = batch.first + batch.count
        }
      }
      return values
    } finally {
      await view.close()
    }
  }

  /** What agents counted: done and dead by `name@version`, over their own topics and replays. */
  async counts(agent: string): Promise<{ done: number; dead: number; behind: number }> {
    const view = await viewEmbedded(this.data)
    try {
      const rows = (await view.standings()).filter(standing => standing.group === agent)
      return {
        done: rows.reduce((sum, row) => sum + row.checkpoint.done, 0),
        dead: rows.reduce((sum, row) => sum + row.checkpoint.dead, 0),
        behind: rows.reduce((sum, row) => sum + row.next - row.checkpoint.offset, 0),
      }
    } finally {
      await view.close()
    }
  }

  /** @throws after `deadlineMs`, with what the process has said. */
  async until(what: string, condition: () => boolean | Promise<boolean>, deadlineMs = 20_000): Promise<void> {
    const deadline = Date.now() + deadlineMs
    while (!(await condition())) {
      if (Date.now() > deadline) throw new Error(`After ${deadlineMs} ms still not: ${what}\n${this.#millrace.errors}`)
      await sleep(LOOK_MS)
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#millrace[Symbol.asyncDispose]()
    this.project[Symbol.dispose]()
  }
}
