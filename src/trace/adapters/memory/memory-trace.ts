import { isReplayTopic } from '../../../agents/dead-letter.ts'
import { type Clock, systemClock } from '../../../clock.ts'
import { type DataId, formatId, ID_BYTES } from '../../../envelope/data-id.ts'
import { FrameCursor } from '../../../envelope/frame.ts'
import { IdSet } from '../../../envelope/id-set.ts'
import { MillraceError } from '../../../errors.ts'
import type { RecordBatch } from '../../../stream/stream.ts'
import {
  AGAIN,
  type AgentVersion,
  type CacheStore,
  type ClaimStates,
  COPY,
  DEAD,
  DONE,
  FRESH,
  type Mark,
  type MarkBatch,
  OTHER_SOURCE,
  type Position,
  SAME_SOURCE,
  type SharedTrace,
  type TraceRecord,
  UNKNOWN,
} from '../../trace.ts'
import { MemoryCaches } from './memory-caches.ts'

const TTL_MS = 86_400_000
const ID_TTL_MS = 7 * 86_400_000

interface Entry {
  readonly expiresMs: number
  source: string
  createdMs: number
  parents: DataId[]
  readonly positions: Position[]
  /** By `agent@version`. */
  readonly marks: Map<string, Mark>
}

/** A {@link SharedTrace} in plain maps: for tests of what needs one, and the plainest statement of what each call means. */
export function openMemoryTrace(clock: Clock = systemClock): SharedTrace {
  return new MemoryTrace(clock)
}

class MemoryTrace implements SharedTrace {
  readonly #clock: Clock
  readonly #caches = new MemoryCaches(() => this.#check())
  /** In the order of their making, which is the order of their end. */
  readonly #entries = new Map<DataId, Entry>()
  readonly #owners = new Map<DataId, { readonly source: string; readonly expiresMs: number }>()
  #closed = false
  #logId: string | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get cache(): CacheStore {
    return this.#caches
  }

  async bind(logId: string): Promise<void> {
    this.#check()
    this.#logId ??= logId
    if (this.#logId !== logId) throw new MillraceError('TRACE_MISMATCH', `The trace is of the log ${this.#logId}, not of ${logId}.`)
  }

  async claim(
    agent: AgentVersion & { readonly replaced?: readonly number[] },
    batch: RecordBatch,
    from: number,
    atMs: number,
  ): Promise<ClaimStates> {
    this.#check()
    const states = new Uint8Array(batch.first + batch.count - from)
    const seen = new IdSet()
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      const offset = batch.first + cursor.index
      if (offset < from) continue
      if (cursor.isVoid || !seen.add(cursor.bytes, cursor.idAt)) states[offset - from] = COPY
      else states[offset - from] = this.#claim(agent, this.#learn(cursor, batch), { ...batch, offset }, atMs)
    }
    return states
  }

  async mark(agent: AgentVersion, marks: MarkBatch): Promise<void> {
    this.#check()
    const { topic, partition, claimedMs, finishedMs } = marks
    const attempts = new Map(marks.attempts.map(a => [a.offset, a.attempts]))
    let idAt = 0
    const raise = (offset: number, state: 'done' | 'dead', reason?: string) => {
      const entry = this.#entry(formatId(marks.ids, idAt))
      idAt += ID_BYTES
      const before = entry.marks.get(nameOf(agent))?.state
      if (before === 'done' || before === state) return
      entry.marks.set(nameOf(agent), {
        ...{ name: agent.name, version: agent.version, topic, partition, offset, state, claimedMs, finishedMs },
        attempts: attempts.get(offset) ?? 1,
        ...(reason === undefined ? {} : { reason }),
        outputs: marks.outputs ?? [],
      })
    }
    for (const { first, end } of marks.done) for (let offset = first; offset < end; offset++) raise(offset, 'done')
    for (const { offset, reason } of marks.dead) raise(offset, 'dead', reason)
  }

  async find(dataId: DataId): Promise<TraceRecord | undefined> {
    this.#check()
    this.#forget()
    const entry = this.#entries.get(dataId)
    if (entry === undefined) return undefined
    const { source, createdMs, parents, positions, marks } = entry
    return { dataId, positions: [...positions], source, createdMs, parents: [...parents], marks: [...marks.values()] }
  }

  async known(frames: Uint8Array, count: number): Promise<Uint8Array> {
    this.#check()
    this.#forget()
    const known = new Uint8Array(count).fill(UNKNOWN)
    const cursor = new FrameCursor(frames)
    while (cursor.next()) {
      const owner = cursor.supplied ? this.#owners.get(cursor.dataId) : undefined
      if (owner !== undefined) known[cursor.index] = owner.source === cursor.source ? SAME_SOURCE : OTHER_SOURCE
    }
    return known
  }

  async note(batch: RecordBatch): Promise<void> {
    this.#check()
    const cursor = new FrameCursor(batch.frames)
    while (cursor.next()) {
      if (cursor.isVoid) continue
      this.#learn(cursor, batch)
      if (cursor.supplied && !this.#owners.has(cursor.dataId)) {
        this.#owners.set(cursor.dataId, { source: cursor.source, expiresMs: this.#clock.now() + ID_TTL_MS })
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
  }

  #claim(agent: AgentVersion & { readonly replaced?: readonly number[] }, entry: Entry, at: Omit<Position, 'appendedMs'>, atMs: number) {
    let state: number = FRESH
    for (const version of [agent.version, ...(agent.replaced ?? [])]) {
      const mark = entry.marks.get(nameOf({ name: agent.name, version }))
      if (mark !== undefined) state = higher(state, stateOf(mark, at))
    }
    if (!entry.marks.has(nameOf(agent))) {
      const { topic, partition, offset } = at
      const mark = { name: agent.name, version: agent.version, topic, partition, offset }
      entry.marks.set(nameOf(agent), { ...mark, state: 'claimed', claimedMs: atMs, attempts: 1, outputs: [] })
    }
    return state
  }

  /** What a frame says of its datum, and where it is. */
  #learn(cursor: FrameCursor, { topic, partition, first, appendedMs }: RecordBatch): Entry {
    const entry = this.#entry(cursor.dataId)
    const offset = first + cursor.index
    if (!entry.positions.some(at => at.topic === topic && at.partition === partition && at.offset === offset)) {
      entry.positions.push({ topic, partition, offset, appendedMs })
    }
    if (entry.source === '') {
      entry.source = cursor.source
      entry.createdMs = cursor.createdMs
      entry.parents = Array.from({ length: cursor.parentCount }, (_, i) => formatId(cursor.parents, i * ID_BYTES))
    }
    return entry
  }

  #entry(dataId: DataId): Entry {
    this.#forget()
    let entry = this.#entries.get(dataId)
    if (entry === undefined) {
      entry = { expiresMs: this.#clock.now() + TTL_MS, source: '', createdMs: 0, parents: [], positions: [], marks: new Map() }
      this.#entries.set(dataId, entry)
    }
    return entry
  }

  #forget(): void {
    const now = this.#clock.now()
    for (const kept of [this.#entries, this.#owners]) {
      for (const [id, { expiresMs }] of kept) {
        if (expiresMs > now) break
        kept.delete(id)
      }
    }
  }

  #check(): void {
    if (this.#closed) throw new MillraceError('ENGINE_CLOSED', 'The trace is closed.')
  }
}

/** What an agent's mark means for a datum that it meets at a position. */
function stateOf(mark: Mark, at: Omit<Position, 'appendedMs'>): number {
  if (mark.state === 'claimed') return AGAIN
  // Whoever replays a datum asks for the work again: only what is done is skipped.
  if (mark.state === 'dead' && isReplayTopic(at.topic)) return FRESH
  if (mark.topic !== at.topic || mark.partition !== at.partition || mark.offset !== at.offset) return COPY
  return mark.state === 'done' ? DONE : DEAD
}

const RISING = [FRESH, AGAIN, COPY, DEAD, DONE]

function higher(a: number, b: number): number {
  return RISING.indexOf(a) > RISING.indexOf(b) ? a : b
}

function nameOf({ name, version }: AgentVersion): string {
  return `${name}@${version}`
}
