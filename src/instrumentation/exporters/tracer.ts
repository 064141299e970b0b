import type { Resource } from '@opentelemetry/resources'
import type { Clock } from '../../clock.ts'
import { type EngineView, groupName } from '../../engine/engine.ts'
import { type DataId, formatId } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import type { Pipeline } from '../../pipeline.ts'
import type { AppendBatch, Appended, Stream } from '../../stream/stream.ts'
import { TokenBucket } from '../../token-bucket.ts'
import type { Mark, OutputRange, Position, TraceRecord } from '../../trace/trace.ts'
import type { SpanSender } from './span-sender.ts'
import { ACCEPTED, acceptedSpan, agentSpans, spanIdOf, type Within } from './spans.ts'

type Place = Pick<Position, 'topic' | 'partition' | 'offset'>

export interface TracerOptions {
  readonly view: Pick<EngineView, 'find' | 'read'>
  /** What was made by handling a datum, of all that is in these ranges. */
  readonly madeOf: (dataId: DataId, ranges: readonly OutputRange[]) => Promise<readonly (Place & { readonly dataId: DataId })[]>
  readonly sender: SpanSender
  readonly resource: Resource
  /** Of how many accepted data a second a trace is made, at most. */
  readonly perSecond: number
  readonly clock: Clock
}

/** Between two looks at what has become of the data that were chosen. */
const TICK_MS = 1_000
/** The first look at a datum, and the longest time between two. */
const FIRST_LOOK_MS = 2_000
const MAX_PAUSE_MS = 60_000
/** Beyond it nobody waits for the rest: a storage agent may hold data for minutes before a roll. */
const MAX_AGE_MS = 900_000
/** Data that are followed at once, and looks in one tick: what is beyond is not chosen, or comes later. */
const MAX_FOLLOWED = 5_000
const LOOKS_PER_TICK = 100
/** What the last spans of a process that stops may take. */
const LAST_MS = 1_000
/** Data derived from one, at one agent. */
const MAX_CHILDREN = 20

/** A datum whose way is followed. */
interface Followed {
  readonly at: Place
  readonly since: number
  /** Undefined for one that was accepted and whose id is still to be read. */
  dataId: DataId | undefined
  within: Within | undefined
  /** Agents whose spans have gone out. */
  readonly told: Set<string>
  dueMs: number
  pauseMs: number
}

/**
 * Exports the traces of some data: of those that this process accepts it chooses a few each second, and asks the trace later what became of
 * them and of all that was derived. Nothing of it happens while data are handled: the only cost on their way is a comparison for each append.
 * A datum is accepted by one process, which exports all of its trace; so no process need know what another has chosen.
 */
export class Tracer {
  readonly #options: TracerOptions
  readonly #followed: Followed[] = []
  #readers = new Map<string, ReadonlySet<string>>()
  /** How many may be chosen now. */
  readonly #allowed: TokenBucket
  #cancel: () => void
  #looking: Promise<void> = Promise.resolve()
  #closed = false

  constructor(options: TracerOptions) {
    this.#options = options
    this.#allowed = new TokenBucket(options.perSecond, options.clock, Math.max(1, options.perSecond))
    this.#cancel = this.#plan()
  }

  /** The agents whose spans are waited for. */
  use(pipeline: Pipeline): void {
    const readers = new Map<string, Set<string>>()
    for (const [id, agent] of pipeline.agents)
      for (const { name } of agent.from) readers.set(name, (readers.get(name) ?? new Set()).add(id))
    this.#readers = readers
  }

  /** The same stream, of whose data some are chosen. */
  watching(stream: Pick<Stream, 'append'>): Pick<Stream, 'append'> {
    return {
      append: async batches => {
        const appended = await stream.append(batches)
        this.#note(batches, appended)
        return appended
      },
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#cancel()
    // What is away must not hold up a process that stops.
    const late = new AbortController()
    const { clock, sender } = this.#options
    await Promise.race([this.#looking.then(() => sender.close()), clock.sleep(LAST_MS, late.signal).catch(() => undefined)])
    late.abort()
  }

  #note(batches: readonly AppendBatch[], appended: readonly Appended[]): void {
    for (const [i, { first, count }] of appended.entries()) {
      if (this.#allowed.left < 1) return
      if (count === 0) continue
      this.#allowed.take(1)
      const { topic, partition } = batches[i]!
      // Any of the batch: the first waits for the shortest time, or for the longest.
      const offset = first + ((Math.imul(first, 0x9e3779b1) >>> 0) % count)
      this.#follow({ topic, partition, offset }, undefined, undefined)
    }
  }

  #follow(at: Place, dataId: DataId | undefined, within: Within | undefined): void {
    if (this.#followed.length >= MAX_FOLLOWED) {
      this.#options.sender.drop(1)
      return
    }
    const since = this.#options.clock.now()
    this.#followed.push({ at, since, dataId, within, told: new Set(), dueMs: since + FIRST_LOOK_MS, pauseMs: FIRST_LOOK_MS })
  }

  #plan(): () => void {
    return this.#options.clock.after(TICK_MS, () => {
      this.#looking = this.#lookAtAll().finally(() => {
        if (!this.#closed) this.#cancel = this.#plan()
      })
    })
  }

  async #lookAtAll(): Promise<void> {
    const { clock, sender } = this.#options
    const nowMs = clock.now()
    const due = this.#followed.filter(({ dueMs }) => dueMs <= nowMs).slice(0, LOOKS_PER_TICK)
    for (const followed of due) {
      if (this.#closed) return
      // Stream or trace may be away: it is looked at again later, as long as it is young enough.
      const isOver = await this.#look(followed).catch(() => false)
      followed.pauseMs = Math.min(followed.pauseMs * 2, MAX_PAUSE_MS)
      followed.dueMs = nowMs + followed.pauseMs
      if (isOver || nowMs - followed.since > MAX_AGE_MS) this.#followed.splice(this.#followed.indexOf(followed), 1)
    }
    sender.flush()
  }

  /** @returns whether there is nothing more to come of it. */
  async #look(followed: Followed): Promise<boolean> {
    const { view, sender, resource, madeOf } = this.#options
    followed.dataId ??= await this.#idAt(followed.at)
    if (followed.dataId === undefined) return true
    const record = await view.find(followed.dataId, followed.at)
    if (record === undefined) return false
    const within = followed.within ?? this.#begin(record)
    followed.within = within
    for (const mark of record.marks) {
      const agent = groupName(mark)
      if (!isOver(mark) || followed.told.has(agent)) continue
      const [wait, work] = agentSpans(record, mark, within, resource)
      const made = await madeOf(record.dataId, mark.outputs)
      sender.add([wait, work])
      followed.told.add(agent)
      const inWork = { origin: within.origin, parentId: work.spanContext().spanId }
      for (const child of made.slice(0, MAX_CHILDREN)) this.#follow(child, child.dataId, inWork)
    }
    const readers = this.#readers.get(followed.at.topic)
    return readers === undefined || [...readers].every(agent => followed.told.has(agent))
  }

  #begin(record: TraceRecord): Within {
    const root = acceptedSpan(record, this.#options.resource)
    if (root !== undefined) this.#options.sender.add([root])
    return { origin: record.dataId, parentId: spanIdOf(record.dataId, ACCEPTED) }
  }

  /** Undefined where there is no such datum any more. */
  async #idAt({ topic, partition, offset }: Place): Promise<DataId | undefined> {
    const batch = await this.#options.view.read(topic, partition, offset, 1)
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    for (let at = batch.first; at <= offset && cursor.next(); at++) if (at === offset) return formatId(cursor.bytes, cursor.idAt)
    return undefined
  }
}

function isOver(mark: Mark): mark is Mark & { readonly finishedMs: number } {
  return mark.state !== 'claimed' && mark.finishedMs !== undefined
}
