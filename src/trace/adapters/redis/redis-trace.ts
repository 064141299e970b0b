import type { DataId } from '../../../envelope/data-id.ts'
import { MillraceError } from '../../../errors.ts'
import type { RecordBatch } from '../../../stream/stream.ts'
import {
  type AgentVersion,
  type CacheStore,
  type ClaimStates,
  COPY,
  type MarkBatch,
  type SharedTrace,
  type TraceRecord,
} from '../../trace.ts'
import { RedisCaches } from './cache.ts'
import type { Connection } from './connection.ts'
import { frameRows } from './frame-rows.ts'
import type { Keys } from './keys.ts'
import type { ClaimingAgent, Layout } from './layout.ts'
import type { Place } from './mark-text.ts'
import type { Owners } from './owners.ts'
import { textOrNull } from './reply.ts'

/** The trace in a Redis: a batch is claimed in one call of the server, and marked in another. */
export class RedisTrace implements SharedTrace {
  readonly cache: CacheStore
  readonly #connection: Connection
  readonly #keys: Keys
  readonly #layout: Layout
  readonly #owners: Owners

  constructor(connection: Connection, keys: Keys, layout: Layout, owners: Owners) {
    this.#connection = connection
    this.#keys = keys
    this.#layout = layout
    this.#owners = owners
    this.cache = new RedisCaches(connection, keys)
  }

  async bind(logId: string): Promise<void> {
    this.#connection.check()
    const key = this.#keys.log()
    await this.#connection.send(key, ['SET', key, logId, 'NX'])
    const bound = textOrNull(await this.#connection.send(key, ['GET', key]))
    if (bound === logId) return
    throw new MillraceError(
      'TRACE_MISMATCH',
      `The trace at ${this.#connection.where} under '${this.#keys.prefix}' is of the log ${bound}, and the stream is the log ${logId}.`,
      {
        fix: 'Give this pipeline a prefix of its own (?prefix=… in the URL of the trace); or, where the topics were made anew and the old log is gone, delete the old trace: its keys begin with that prefix.',
      },
    )
  }

  async claim(agent: ClaimingAgent, batch: RecordBatch, from: number, atMs: number): Promise<ClaimStates> {
    this.#connection.check()
    const skip = from - batch.first
    const states = new Uint8Array(batch.count - skip)
    const rows = frameRows(batch, skip, index => {
      states[index - skip] = COPY
    })
    await this.#layout.claim(agent, batch, rows, skip, atMs, states)
    return states
  }

  async mark(agent: AgentVersion, marks: MarkBatch): Promise<void> {
    this.#connection.check()
    await this.#layout.mark(agent, marks)
  }

  async find(dataId: DataId, at?: Place): Promise<TraceRecord | undefined> {
    this.#connection.check()
    return this.#layout.find(dataId, at)
  }

  async known(frames: Uint8Array, count: number): Promise<Uint8Array> {
    this.#connection.check()
    const known = new Uint8Array(count)
    await this.#owners.known(frameRows({ frames, count }), known)
    return known
  }

  async note(batch: RecordBatch): Promise<void> {
    this.#connection.check()
    await this.#layout.note(batch, frameRows(batch))
  }

  close(): Promise<void> {
    return this.#connection.close()
  }
}
