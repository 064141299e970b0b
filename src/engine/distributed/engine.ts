import { isReplayTopic } from '../../agents/dead-letter.ts'
import type { GivenAgain } from '../../agents/replay.ts'
import type { Clock } from '../../clock.ts'
import { formatIds, ID_CHARACTERS } from '../../envelope/data-id.ts'
import { MillraceError } from '../../errors.ts'
import type {
  AppendBatch,
  Appended,
  Bounds,
  Group,
  GroupedStream,
  Lease,
  RecordBatch,
  Start,
  StreamCapabilities,
  Subscription,
  TopicPartition,
  TopicSpec,
} from '../../stream/stream.ts'
import type { AgentVersion, ClaimStates, MarkBatch, OutputRange, Position, Range, SharedTrace, TraceRecord } from '../../trace/trace.ts'
import {
  agentOf,
  type CacheEntry,
  type CacheView,
  type Engine,
  groupName,
  type Snapshot,
  type Standing,
  type UnitOfWork,
} from '../engine.ts'
import { failpoint } from '../failpoint.ts'
import { Caches } from './caches.ts'
import { DistributedLease } from './distributed-lease.ts'
import { Finder } from './finder.ts'
import { LETTERS, SNAPSHOTS } from './internal-topics.ts'
import { LetterLog } from './letter-log.ts'
import { PatientAppend } from './patient-append.ts'
import { ReplayData } from './replay-data.ts'
import { type PlacedWrite, placedAtOrigin } from './replayed-writes.ts'
import { Snapshots } from './snapshots.ts'
import { Standings } from './standings.ts'
import { SuppliedIds } from './supplied-ids.ts'
import { TracePatience } from './trace-patience.ts'

export interface DistributedOptions {
  readonly stream: GroupedStream
  readonly trace: SharedTrace
  readonly clock: Clock
  /** Told when the trace goes away and agents wait for it, and with undefined when it is back. */
  readonly held?: (error: MillraceError | undefined) => void
}

/**
 * Any stream and any trace, tied by an ordered commit. Of a unit of work, each durable before the next:
 *
 *   outputs, dead letters, snapshots, cache values → the cache store, marks → the checkpoint
 *
 * Cut off anywhere, the checkpoint has not moved: the work is done again, with the same ids, and what was there already is recognised by them.
 * The stream fences: an assignment that has ended moves no checkpoint. The trace is asked and told, and fences nothing.
 */
export class DistributedEngine implements Engine {
  readonly transactional = false
  readonly logId: string
  readonly letters: LetterLog
  readonly #stream: GroupedStream
  readonly #trace: SharedTrace
  readonly #clock: Clock
  readonly #patience: TracePatience
  readonly #appends: PatientAppend
  readonly #supplied: SuppliedIds
  readonly #snapshots: Snapshots
  readonly #caches: Caches
  readonly #standings: Standings
  readonly #finder: Finder
  readonly #replays: ReplayData
  /** The latest lease of each group that this client is a member of. */
  readonly #leases = new Map<string, DistributedLease>()
  #internal: Promise<void> | undefined
  /** Every unit before has what it needs and is on its way. */
  #ready: Promise<void> = Promise.resolve()
  #closing: Promise<void> | undefined

  constructor({ stream, trace, clock, held = () => undefined }: DistributedOptions) {
    this.logId = stream.logId
    this.#stream = stream
    this.#trace = trace
    this.#clock = clock
    this.#patience = new TracePatience(clock, held)
    this.#appends = new PatientAppend(stream, clock)
    this.#supplied = new SuppliedIds(trace, clock, held)
    this.#snapshots = new Snapshots(stream)
    this.#caches = new Caches(stream, trace.cache)
    this.#standings = new Standings(stream)
    this.#finder = new Finder(stream, trace, clock)
    this.letters = new LetterLog(stream, clock)
    this.#replays = new ReplayData(stream, this.letters)
  }

  /** What the stream can, as it knows it now: how large a datum may be is known once its topics are. */
  get capabilities(): StreamCapabilities {
    return { ...this.#stream.capabilities, refusesCopies: true }
  }

  async ensure(topics: readonly TopicSpec[]): Promise<void> {
    await this.#stream.ensure(topics)
  }

  async append(batches: readonly AppendBatch[]): Promise<Appended[]> {
    this.#checkOpen()
    const checked = await Promise.all(batches.map(batch => this.#supplied.check(batch)))
    const left = checked.filter(({ batch }) => batch.count > 0)
    const stored = await this.#stream.append(left.map(({ batch }) => batch))
    await Promise.all(left.map(({ batch, supplied }, i) => (supplied ? this.#supplied.note(batch, stored[i]!.first) : undefined)))
    return checked.map(entry => {
      const at = stored[left.indexOf(entry)]
      return { first: at?.first ?? 0, count: entry.batch.count, duplicates: entry.duplicates, taken: entry.taken }
    })
  }

  subscribe(group: Group, topics: readonly string[], start: Start): Subscription {
    const subscription = this.#stream.subscribe(group, topics, start)
    return {
      [Symbol.asyncIterator]: () => this.#leasesOf(subscription),
      close: () => subscription.close(),
    }
  }

  async *#leasesOf(subscription: Subscription): AsyncGenerator<Lease, void> {
    for await (const lease of subscription) {
      const wrapped = new DistributedLease(lease)
      this.#leases.set(lease.group.name, wrapped)
      yield wrapped
    }
  }

  read(topic: string, partition: number, from: number, maxBytes: number): Promise<RecordBatch> {
    return this.#stream.read(topic, partition, from, maxBytes)
  }

  topics(): Promise<TopicSpec[]> {
    return this.#stream.topics()
  }

  bounds(topic: string): Promise<Bounds[]> {
    return this.#stream.bounds(topic)
  }

  async claim(agent: AgentVersion, batch: RecordBatch, from: number, atMs: number): Promise<ClaimStates> {
    this.#checkOpen()
    const replaced = this.#lineOf(agent)
    const lease = this.#leases.get(groupName(agent))
    return this.#patience.until(() => this.#trace.claim({ ...agent, replaced }, batch, from, atMs), lease?.signal)
  }

  async mark(agent: AgentVersion, marks: MarkBatch): Promise<void> {
    this.#checkOpen()
    await this.#patience.until(() => this.#trace.mark(agent, marks))
  }

  async commit(unit: UnitOfWork): Promise<void> {
    this.#checkOpen()
    const { lease, agent, checkpoints } = unit
    if (!(lease instanceof DistributedLease)) throw new TypeError('A unit is committed with a lease of this engine.')
    // What is sure to be refused leaves nothing.
    lease.check(checkpoints)
    const nowMs = this.#clock.now()
    const line = this.#lineOf(agent)
    // One after the other, so that of one caller's units the bytes leave in their order, also where the first has to make a topic.
    const ready = this.#ready.then(() => this.#appends.room).then(() => this.#prepare(unit))
    this.#ready = ready.then(
      () => undefined,
      () => undefined,
    )
    let appended: readonly Appended[] = []
    let snapshotAt: number | undefined
    let cache: readonly PlacedWrite[] = []
    const durable = ready.then(async placed => {
      const append = (more: readonly AppendBatch[]) => this.#appends.append(more, lease.signal)
      cache = placed
      const batches = [...unit.outputs, ...this.letters.buried(unit.letters, line), ...this.#caches.batches(cache, nowMs)]
      if (batches.length > 0) appended = await append(batches)
      for (const snapshot of unit.snapshots) snapshotAt = await this.#snapshots.append(snapshot, nowMs, append)
    })
    await lease.step(
      checkpoints,
      durable,
      async () => {
        failpoint('in-commit')
        await this.#take(unit, outputsOf(unit, appended), cache, nowMs)
      },
      () => snapshotAt,
    )
    failpoint('after-commit')
  }

  async replay(agent: AgentVersion, from: TopicPartition, ranges: readonly Range[]): Promise<GivenAgain> {
    this.#checkOpen()
    return this.#replays.replay(agent, from, ranges)
  }

  async find(dataId: string, at?: Pick<Position, 'topic' | 'partition' | 'offset'>): Promise<TraceRecord | undefined> {
    this.#checkOpen()
    return this.#finder.find(dataId, at)
  }

  async snapshot(group: string, at: TopicPartition): Promise<Snapshot | undefined> {
    this.#checkOpen()
    const lease = this.#leases.get(group)
    const checkpoint = lease?.checkpoint(at) ?? (await this.#committed(group, at))
    if (checkpoint?.snapshot === undefined && checkpoint?.foldFrom === undefined) return undefined
    const found = await this.#snapshots.read(group, at, checkpoint.snapshot, checkpoint.offset)
    // It is of the group that this one took the place over from: to look for its own each time would read all snapshots there are.
    if (found === undefined) lease?.forgetSnapshot(at)
    return found
  }

  async standings(): Promise<Standing[]> {
    this.#checkOpen()
    return this.#standings.all()
  }

  async cache(name: string): Promise<CacheView | undefined> {
    this.#checkOpen()
    return this.#caches.view(name)
  }

  async cacheEntry(name: string, key: string): Promise<CacheEntry | undefined> {
    this.#checkOpen()
    return this.#caches.entry(name, key)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#patience.close()
    // The stream first: what ends with it still marks.
    await this.#stream.close()
    await this.#trace.close()
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw new MillraceError('ENGINE_CLOSED', 'The engine was closed.')
  }

  /** Makes the topics of the engine's own that the unit is the first to need. @returns what it writes to caches. */
  async #prepare(unit: UnitOfWork): Promise<readonly PlacedWrite[]> {
    if (unit.letters.length > 0 || unit.snapshots.length > 0) {
      this.#internal ??= this.#stream.ensure([LETTERS, SNAPSHOTS])
      await this.#internal.catch(error => {
        this.#internal = undefined
        throw error
      })
    }
    if (unit.cache.length > 0) await this.#caches.prepare(unit.cache)
    const { agent, cache, marks } = unit
    const origins = {
      ofLetter: (dataId: string, at: { readonly topic: string; readonly offset: number }) =>
        this.letters.origin(agent, this.#lineOf(agent), dataId, at),
      stream: this.#stream,
    }
    return placedAtOrigin(cache, marks, origins)
  }

  /** What was made durable takes effect: to be seen, then marked. */
  async #take(unit: UnitOfWork, outputs: readonly OutputRange[], cache: readonly PlacedWrite[], nowMs: number): Promise<void> {
    const { agent, marks, lease } = unit
    if (cache.length > 0) await this.#patience.until(() => this.#caches.show(cache, nowMs), lease.signal)
    const replayed = marks.filter(mark => isReplayTopic(mark.topic) && mark.done.length > 0)
    if (replayed.length > 0) {
      const line = this.#lineOf(agent)
      // Data that are no letters are replayed too, by the million: of those the letters need not hear.
      const states = await this.letters.statesOf(agent, line, replayed.flatMap(doneIds))
      const dataIds = [...states.keys()]
      if (dataIds.length > 0) await this.#appends.append([this.letters.finished(agent, line, dataIds)], lease.signal)
    }
    for (const mark of marks) await this.#patience.until(() => this.#trace.mark(agent, { ...mark, outputs }), lease.signal)
  }

  /** Versions whose place an agent has taken over. */
  #lineOf(agent: AgentVersion): number[] {
    return (this.#leases.get(groupName(agent))?.group.line ?? []).map(group => agentOf(group).version)
  }

  async #committed(group: string, { topic, partition }: TopicPartition) {
    const places = await this.#stream.places()
    return places.find(place => place.group === group && place.topic === topic && place.partition === partition)?.checkpoint
  }
}

function outputsOf(unit: UnitOfWork, appended: readonly Appended[]): OutputRange[] {
  return unit.outputs.map(({ topic, partition }, i) => {
    const { first, count } = appended[i]!
    return { topic, partition, first, end: first + count }
  })
}

/** The ids of what a mark says is done: they stand before those that are dead. */
function doneIds({ ids, done }: MarkBatch): string[] {
  const count = done.reduce((sum, { first, end }) => sum + end - first, 0)
  const text = formatIds(ids)
  return Array.from({ length: count }, (_, i) => text.slice(i * ID_CHARACTERS, (i + 1) * ID_CHARACTERS))
}
