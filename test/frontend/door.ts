import { mkdtempSync, rmSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { bytes, pipeline, topic } from 'millrace'
import { z } from 'zod'
import { systemClock } from '../../src/clock.ts'
import { openInMemory } from '../../src/engine/embedded/index.ts'
import type { Engine } from '../../src/engine/engine.ts'
import type { Envelope } from '../../src/envelope/envelope.ts'
import { FrameCursor } from '../../src/envelope/frame.ts'
import { type FrontEnd, type FrontEndOptions, startFrontEnd } from '../../src/frontend/front-end.ts'
import type { IngestFact } from '../../src/instrumentation/recorder.ts'
import type { Pipeline } from '../../src/pipeline.ts'

export const demand = topic('demand', z.object({ station: z.string(), megawatts: z.number() }), { key: d => d.station })
export const notes = topic('notes', z.looseObject({}))
export const frames = topic('frames', bytes(), { partitions: 1 })
export const grid = pipeline('grid', { agents: [], topics: [demand, notes, frames] })

/** A front end on a port of its own, before a real engine in memory. */
export interface Door extends AsyncDisposable {
  readonly front: FrontEnd
  readonly engine: Engine
  readonly facts: readonly IngestFact[]
  readonly keysFile: string
  /** What the report callback was told: nothing, in a test that expects nothing. */
  readonly reported: readonly unknown[]
  post(path: string, body: string | Uint8Array<ArrayBuffer>, headers?: Record<string, string>): Promise<Answer>
  /** A raw connection, for what no proper client sends. */
  connect(): Raw
  /** Everything in a topic, by partition and offset. */
  stored(topic: string): Promise<Envelope[]>
}

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // biome-ignore lint/suspicious/noExplicitAny: tests read what the wire says, member by member
  readonly body: any
}

export async function open(options: Partial<FrontEndOptions> & { pipeline?: Pipeline } = {}): Promise<Door> {
  const directory = mkdtempSync(join(tmpdir(), 'millrace-front-'))
  const engine = await openInMemory()
  const used = options.pipeline ?? grid
  await engine.ensure([...used.topics.values()].map(t => t.spec))
  const facts: IngestFact[] = []
  const reported: unknown[] = []
  const keysFile = options.keysFile ?? join(directory, 'keys.json')
  const front = await startFrontEnd({
    pipeline: used,
    stream: engine,
    clock: systemClock,
    recorder: { ingest: fact => facts.push({ ...fact, durationMs: fact.durationMs }), work() {} },
    listen: { host: '127.0.0.1', port: 0 },
    report: (_what, error) => reported.push(error),
    ...options,
    keysFile,
  })
  const sockets: Socket[] = []
  return {
    front,
    engine,
    facts,
    keysFile,
    reported,
    async post(path, body, headers = {}) {
      const response = await fetch(front.url + path, { method: 'POST', body, headers: { 'content-type': 'application/json', ...headers } })
      return { status: response.status, headers: response.headers, body: await response.json() }
    },
    connect() {
      const socket = connect(Number(new URL(front.url).port), '127.0.0.1')
      sockets.push(socket)
      return new Raw(socket)
    },
    async stored(name) {
      const envelopes: Envelope[] = []
      for (const [partition, { first, next }] of (await engine.bounds(name)).entries()) {
        for (let from = first; from < next; ) {
          const batch = await engine.read(name, partition, from, 1_000_000)
          const cursor = new FrameCursor(batch.frames, batch.ascii)
          while (cursor.next()) envelopes.push(cursor.envelope(name))
          from = batch.first + batch.count
        }
      }
      return envelopes
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await front.close(0)
      await engine.close()
      rmSync(directory, { recursive: true })
    },
  }
}

/** One connection, byte by byte. */
export class Raw {
  readonly socket: Socket
  #received = ''
  readonly #ended: Promise<void>
  #wasReset = false

  constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', chunk => {
      this.#received += chunk.toString('latin1')
    })
    socket.on('error', error => {
      this.#wasReset ||= 'code' in error && error.code === 'ECONNRESET'
    })
    this.#ended = new Promise(resolve => socket.once('close', () => resolve()))
  }

  get wasReset(): boolean {
    return this.#wasReset
  }

  send(text: string | Uint8Array): this {
    this.socket.write(text)
    return this
  }

  /** What has come until the other side closed. */
  async untilClosed(): Promise<string> {
    await this.#ended
    return this.#received
  }

  /** Waits for an answer's head and body. */
  async answer(): Promise<string> {
    await until(() => {
      const end = this.#received.indexOf('\r\n\r\n')
      const length = /content-length: (\d+)/i.exec(this.#received)?.[1]
      return end >= 0 && length !== undefined && this.#received.length >= end + 4 + Number(length)
    })
    return this.#received
  }
}

/** Waits until something holds, ten seconds at most. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`It did not come to hold within 10 s: ${holds}`)
    await new Promise(resolve => setTimeout(resolve, 5))
  }
}

export const text = (envelope: Envelope): string => Buffer.from(envelope.data).toString('utf8')
