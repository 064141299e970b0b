import { randomUUID } from 'node:crypto'
import type { Clock } from '../../../clock.ts'
import { systemClock } from '../../../clock.ts'
import { MillraceError } from '../../../errors.ts'
import { LeaseMailbox } from '../../lease-mailbox.ts'
import type {
  AppendBatch,
  Appended,
  Bounds,
  Group,
  GroupedStream,
  Place,
  RecordBatch,
  Start,
  Subscription,
  TopicSpec,
} from '../../stream.ts'
import { MemoryGroup, type MemoryMember } from './memory-group.ts'
import type { MemoryLease } from './memory-lease.ts'
import { PartitionLog } from './partition-log.ts'

interface HeldTopic {
  readonly spec: TopicSpec
  readonly partitions: readonly PartitionLog[]
}

/** A stream in memory that several clients share, as processes share a broker. For tests: nothing outlives it, and nothing is ever deleted. */
export class MemoryBroker {
  readonly logId = randomUUID()
  readonly clock: Clock
  readonly #topics = new Map<string, HeldTopic>()
  readonly #groups = new Map<string, MemoryGroup>()

  constructor(clock: Clock = systemClock) {
    this.clock = clock
  }

  connect(): GroupedStream {
    return new MemoryStream(this)
  }

  get specs(): TopicSpec[] {
    return [...this.#topics.values()].map(({ spec }) => spec)
  }

  ensure(specs: readonly TopicSpec[]): void {
    for (const { name, partitions } of specs) {
      const there = this.#topics.get(name)?.spec.partitions
      if (there !== undefined && there !== partitions)
        throw new MillraceError('TOPIC_MISMATCH', `Topic '${name}' has ${there} partitions, and ${partitions} are asked for.`)
    }
    for (const spec of specs) {
      if (this.#topics.has(spec.name)) continue
      const partitions = Array.from({ length: spec.partitions }, (_, partition) => new PartitionLog({ topic: spec.name, partition }))
      this.#topics.set(spec.name, { spec, partitions })
    }
  }

  logs(topic: string): readonly PartitionLog[] {
    const held = this.#topics.get(topic)
    if (held === undefined) throw new MillraceError('TOPIC_UNKNOWN', `There is no topic '${topic}'.`)
    return held.partitions
  }

  log(topic: string, partition: number): PartitionLog {
    const log = this.logs(topic)[partition]
    if (log === undefined) throw new MillraceError('TOPIC_UNKNOWN', `Topic '${topic}' has no partition ${partition}.`)
    return log
  }

  group(name: string): MemoryGroup {
    const group = this.#groups.get(name) ?? new MemoryGroup(name, topic => this.logs(topic))
    this.#groups.set(name, group)
    return group
  }

  get places(): Place[] {
    return [...this.#groups.values()].flatMap(group => group.places)
  }
}

/** One client's view of a {@link MemoryBroker}. */
class MemoryStream implements GroupedStream {
  readonly capabilities = { refusesCopies: false, holdsCopies: true }
  readonly logId: string
  readonly #broker: MemoryBroker
  readonly #members = new Set<() => void>()
  #closed = false

  constructor(broker: MemoryBroker) {
    this.#broker = broker
    this.logId = broker.logId
  }

  async ensure(topics: readonly TopicSpec[]): Promise<void> {
    this.#open().ensure(topics)
  }

  async append(batches: readonly AppendBatch[]): Promise<Appended[]> {
    const broker = this.#open()
    const logs = batches.map(({ topic, partition }) => broker.log(topic, partition))
    return batches.map((batch, i) => ({
      first: logs[i]!.append(batch, broker.clock.now()),
      count: batch.count,
      duplicates: [],
      taken: [],
    }))
  }

  subscribe(group: Group, topics: readonly string[], start: Start): Subscription {
    const broker = this.#open()
    const mailbox = new LeaseMailbox<MemoryLease>()
    const joined = broker.group(group.name)
    const member: MemoryMember = { group, topics, start, mailbox }
    if (group.replaces !== undefined) joined.takeOver(broker.group(group.replaces))
    joined.join(member)
    const leave = () => {
      if (!mailbox.close()) return
      this.#members.delete(leave)
      joined.leave(member)
    }
    this.#members.add(leave)
    return { [Symbol.asyncIterator]: () => mailbox.leases(), close: async () => leave() }
  }

  async read(topic: string, partition: number, from: number, maxBytes: number): Promise<RecordBatch> {
    return this.#open().log(topic, partition).read(from, maxBytes)
  }

  async appendedMs(topic: string, partition: number, offset: number): Promise<number | undefined> {
    const { count, appendedMs } = this.#open().log(topic, partition).read(offset, 1)
    return count === 0 ? undefined : appendedMs
  }

  async topics(): Promise<TopicSpec[]> {
    return this.#open().specs
  }

  async bounds(topic: string): Promise<Bounds[]> {
    return this.#open()
      .logs(topic)
      .map(log => log.bounds)
  }

  async places(): Promise<Place[]> {
    return this.#open().places
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const leave of [...this.#members]) leave()
  }

  #open(): MemoryBroker {
    if (this.#closed) throw new MillraceError('ENGINE_CLOSED', 'The stream was closed.')
    return this.#broker
  }
}
