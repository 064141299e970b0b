import type { DeadLetters } from '../../agents/dead-letter.ts'
import { FATES, type Fates, type GivenAgain } from '../../agents/replay.ts'
import type { DataId } from '../../envelope/data-id.ts'
import { fromPortable, MillraceError } from '../../errors.ts'
import type {
  AppendBatch,
  Appended,
  Bounds,
  Group,
  Moved,
  RecordBatch,
  Start,
  StreamCapabilities,
  Subscription,
  TopicPartition,
  TopicSpec,
} from '../../stream/stream.ts'
import type { AgentVersion, ClaimStates, MarkBatch, Position, Range, TraceRecord } from '../../trace/trace.ts'
import type { CacheEntry, CacheView, Engine, Snapshot, Standing, UnitOfWork } from '../engine.ts'
import { ClaimNotes } from './claim-notes.ts'
import { EmbeddedLease, type LeaseClient } from './lease.ts'
import type { FromWriter, Link, News, ToWriter } from './messages.ts'
import { Outbox } from './outbox.ts'
import { packMarks, packUnit } from './pack-unit.ts'
import type { PlacedBatch } from './packer.ts'
import type { Reader } from './reader.ts'
import { logIdOf } from './schema.ts'
import { EmbeddedSubscription } from './subscription.ts'
import { Waiters } from './waiters.ts'

interface Membership {
  readonly subscription: EmbeddedSubscription
  readonly group: Group
}

/** The engine as one thread has it: writes go to the writer, reads through a connection of its own. */
export class EmbeddedClient implements Engine, LeaseClient {
  readonly transactional = true
  readonly capabilities: StreamCapabilities = { refusesCopies: true, holdsCopies: false }
  readonly logId: string
  readonly letters: DeadLetters
  readonly #link: Link<ToWriter, FromWriter>
  readonly #reader: Reader
  readonly #onClose: () => Promise<void>
  readonly #outbox: Outbox
  readonly #waiters = new Waiters()
  readonly #notes = new ClaimNotes()
  readonly #members = new Map<number, Membership>()
  #lastMember = 0
  #closing: Promise<void> | undefined
  #ended: MillraceError | undefined

  /** @param onClose lets go of what the client was opened with. */
  constructor(link: Link<ToWriter, FromWriter>, reader: Reader, onClose: () => Promise<void>) {
    this.#link = link
    this.#reader = reader
    this.logId = logIdOf(reader.db)
    this.#onClose = onClose
    this.#outbox = new Outbox(message => link.post(message, [message.arena]))
    this.letters = {
      list: async filter => this.#open().letters.list(filter),
      counts: async () => this.#open().letters.counts(),
      frame: async letter => this.#open().letters.frame(letter),
      original: async letter => this.#open().letters.original(letter),
      replay: async (letters, by) => [...(await this.#ask({ kind: 'replay', letters, by }))],
      discard: async (letters, by) => [...(await this.#ask({ kind: 'discard', letters, by }))],
      edit: async (letter, frame, by) => {
        this.#open()
        return (await this.#outbox.request(packer => ({ kind: 'edit', letter, frame: packer.bytes(frame), by }))).length > 0
      },
      expire: async (letters, diedBeforeMs) => [...(await this.#ask({ kind: 'expire', letters, diedBeforeMs }))],
    }
    link.listen(
      message => this.#receive(message),
      () => this.#end(new MillraceError('ENGINE_FAILED', 'The writer has gone away.')),
    )
  }

  async ensure(topics: readonly TopicSpec[]): Promise<void> {
    await this.#ask({ kind: 'ensure', specs: topics })
  }

  async append(batches: readonly AppendBatch[]): Promise<Appended[]> {
    this.#open()
    return this.#outbox.append(batches.map(batch => this.#placed(batch)))
  }

  subscribe(group: Group, topics: readonly string[], start: Start): Subscription {
    this.#open()
    const member = ++this.#lastMember
    const subscription = new EmbeddedSubscription(async () => {
      if (this.#members.delete(member) && this.#ended === undefined) await this.#ask({ kind: 'leave', member })
    })
    this.#members.set(member, { subscription, group })
    this.#ask({ kind: 'join', member, group, topics, start }).catch((error: Error) => {
      this.#members.delete(member)
      subscription.mailbox.fail(error)
    })
    return subscription
  }

  async read(topic: string, partition: number, from: number, maxBytes: number): Promise<RecordBatch> {
    const reader = this.#open()
    return reader.log.read(reader.catalog.at(reader.catalog.place(topic, partition)), from, maxBytes)
  }

  async topics(): Promise<TopicSpec[]> {
    return this.#open().catalog.specs()
  }

  async bounds(topic: string): Promise<Bounds[]> {
    const reader = this.#open()
    return reader.catalog.placesOf(topic).map(({ place }) => reader.log.bounds(place))
  }

  async fetch(at: TopicPartition, from: number, maxBytes: number, signal: AbortSignal): Promise<RecordBatch | undefined> {
    const { catalog, log } = this.#open()
    const place = catalog.at(catalog.place(at.topic, at.partition))
    while (!signal.aborted) {
      const batch = log.read(place, from, maxBytes)
      // Also where retention has taken everything from there on: whoever reads has to learn of it.
      if (batch.count > 0 || batch.first > from) return batch
      const grown = this.#waiters.wait(place.place, signal)
      this.#outbox.notify({ kind: 'wake', place: place.place, beyond: from })
      await grown
    }
    return undefined
  }

  async commit(unit: UnitOfWork): Promise<void> {
    const { catalog } = this.#open()
    if (!(unit.lease instanceof EmbeddedLease)) throw new TypeError('A unit is committed with a lease of this engine.')
    const { lease } = unit
    if (lease.signal.aborted) throw new MillraceError('LEASE_LOST', 'The lease has ended.', { cause: lease.signal.reason })
    const outputs = unit.outputs.map(batch => this.#placed(batch))
    // Where it fails so that the lease is of no use any more, the writer ends it with the same message.
    await this.#outbox.request(packer => ({ kind: 'commit', unit: packUnit(unit, lease, catalog, packer.batches(outputs), packer) }))
    for (const move of unit.checkpoints) this.#notes.finished(unit.agent, move, move.checkpoint.offset)
  }

  move(lease: EmbeddedLease, checkpoints: readonly Moved[]): Promise<void> {
    return this.commit({ lease, agent: NOBODY, outputs: [], letters: [], marks: [], cache: [], snapshots: [], checkpoints })
  }

  async claim(agent: AgentVersion, batch: RecordBatch, from: number, atMs: number): Promise<ClaimStates> {
    const { catalog, trace } = this.#open()
    const place = catalog.place(batch.topic, batch.partition)
    const end = batch.first + batch.count
    if (from >= end) return new Uint8Array(0)
    const states = trace.states(agent, place, from, end)
    this.#notes.claim(agent, batch, from, states)
    this.#outbox.notify({ kind: 'claim', agent, claim: { place, first: from, end, atMs } })
    return states
  }

  async mark(agent: AgentVersion, marks: MarkBatch): Promise<void> {
    await this.#ask({ kind: 'mark', agent, marks: packMarks(marks, this.#open().catalog) })
  }

  async find(dataId: DataId, at?: Pick<Position, 'topic' | 'partition' | 'offset'>): Promise<TraceRecord | undefined> {
    // What this client has claimed is to be seen by it.
    if (this.#notes.takeUnseen()) await this.#ask({ kind: 'barrier' })
    return this.#open().finder.find(dataId, at)
  }

  async replay(agent: AgentVersion, from: TopicPartition, ranges: readonly Range[]): Promise<GivenAgain> {
    const { catalog } = this.#open()
    const value = await this.#ask({ kind: 'replay-data', agent, place: catalog.place(from.topic, from.partition), ranges })
    const fates = Object.fromEntries(FATES.map((fate, i) => [fate, value[i]])) as Fates // replayData() gives one for each
    const [next, place, end] = value.slice(FATES.length) as [number, number, number] // and these behind them
    return { fates, next, topic: catalog.at(place).topic, end }
  }

  async snapshot(group: string, at: TopicPartition): Promise<Snapshot | undefined> {
    return this.#open().standings.snapshot(group, at.topic, at.partition)
  }

  async standings(): Promise<Standing[]> {
    return this.#open().standings.all()
  }

  async sizeOf(topic: string): Promise<number> {
    const { catalog, log } = this.#open()
    return log.sizeOf(catalog.placesOf(topic))
  }

  async cache(name: string): Promise<CacheView | undefined> {
    return this.#open().cache.view(name)
  }

  async cacheEntry(name: string, key: string): Promise<CacheEntry | undefined> {
    return this.#open().cache.entry(name, key)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    for (const { subscription } of this.#members.values()) subscription.mailbox.endLease(new Error('The engine was closed.'))
    // Answered after everything that was asked before: what was appended is durable then.
    if (this.#ended === undefined) await this.#outbox.request(() => ({ kind: 'barrier' })).catch(ignoreEnd)
    this.#end(new MillraceError('ENGINE_CLOSED', 'The engine was closed.'))
    this.#link.close()
    await this.#onClose()
  }

  #open(): Reader {
    if (this.#ended !== undefined) throw this.#ended
    if (this.#closing !== undefined) throw new MillraceError('ENGINE_CLOSED', 'The engine was closed.')
    return this.#reader
  }

  async #ask(request: Parameters<Outbox['notify']>[0]): Promise<readonly number[]> {
    this.#open()
    return this.#outbox.request(() => request)
  }

  #placed(batch: AppendBatch): PlacedBatch {
    const { frames, count, ascii } = batch
    return { place: this.#reader.catalog.place(batch.topic, batch.partition), frames, count, ascii }
  }

  #receive(message: FromWriter): void {
    for (const reply of message.replies) this.#outbox.receive(reply)
    if (message.news !== undefined) this.#hear(message.news)
  }

  #hear(news: News): void {
    const lost = new MillraceError('LEASE_LOST', 'The group was shared out anew.')
    for (const member of news.ended) this.#members.get(member)?.subscription.mailbox.endLease(lost)
    for (const granted of news.leases) {
      const member = this.#members.get(granted.member)
      if (member === undefined) continue
      const partitions = granted.assigned.map(({ place, checkpoint }) => {
        const { topic, partition } = this.#reader.catalog.at(place)
        return { topic, partition, checkpoint }
      })
      const group = { ...member.group, edition: granted.edition }
      member.subscription.mailbox.grant(new EmbeddedLease(this, granted.member, granted.generation, group, partitions))
    }
    for (const place of news.grown) this.#waiters.wake(place)
    if (news.failed !== undefined) {
      const error = fromPortable(news.failed)
      this.#end(error instanceof MillraceError ? error : new MillraceError('ENGINE_FAILED', error.message, { cause: error }))
    }
  }

  #end(error: MillraceError): void {
    if (this.#ended !== undefined) return
    this.#ended = error
    this.#outbox.end(error)
    for (const { subscription } of this.#members.values()) subscription.mailbox.fail(error)
    this.#members.clear()
    this.#waiters.wakeAll()
  }
}

/** A move of checkpoints alone is nobody's work: no marks come with it. */
const NOBODY: AgentVersion = { name: '', version: 0 }

/** The writer going away while it is being closed is what closing is for. */
function ignoreEnd(error: unknown): void {
  if (!(error instanceof MillraceError)) throw error
}
