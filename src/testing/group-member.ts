import type { Assigned, Group, Lease, Moved, Start, Stream, Subscription } from '../stream/stream.ts'
import { eventually, within } from './framework.ts'
import { further } from './suite-data.ts'

/** A member of a group as a suite plays it: takes every lease as it comes and keeps the latest. */
export class GroupMember {
  readonly #subscription: Subscription
  readonly #name: string
  readonly #taking: Promise<void>
  #lease: Lease | undefined
  #taken = 0
  #error: unknown

  constructor(stream: Stream, group: Group, topics: readonly string[], start: Start = 'earliest') {
    this.#name = group.name
    this.#subscription = stream.subscribe(group, topics, start)
    this.#taking = this.#take()
  }

  /** How many leases it has had. */
  get taken(): number {
    return this.#taken
  }

  /** Its lease, once it has one that stands and is of so many partitions. */
  lease(partitions: number): Promise<Lease> {
    const seen = () =>
      this.#lease === undefined ? 'none' : `${this.#lease.partitions.length}${this.#lease.signal.aborted ? ', ended' : ''}`
    return eventually(
      () => `a member of ${this.#name} has a lease of ${partitions} partitions; its last is of ${seen()}`,
      () => {
        if (this.#error !== undefined) throw this.#error
        return this.#lease?.signal.aborted === false && this.#lease.partitions.length === partitions ? this.#lease : undefined
      },
    )
  }

  /** Gives its partitions back; resolves when its iteration has ended too. */
  async close(): Promise<void> {
    await this.#subscription.close()
    await this.#taking
  }

  async #take(): Promise<void> {
    try {
      for await (const lease of this.#subscription) {
        this.#lease = lease
        this.#taken++
      }
    } catch (error) {
      this.#error = error
    }
  }
}

/** A place of a lease. @throws Error where the lease has it not. */
export function placeOf(lease: Lease, topic: string, partition = 0): Assigned {
  const found = lease.partitions.find(place => place.topic === topic && place.partition === partition)
  if (found === undefined) throw new Error(`The lease of ${lease.group.name} has no ${topic}/${partition}.`)
  return found
}

/** A place's checkpoint moved by so many data, all of them done. */
export function moved(place: Assigned, done: number, from = place.checkpoint.offset): Moved {
  return { topic: place.topic, partition: place.partition, from, checkpoint: further({ ...place.checkpoint, offset: from }, done) }
}

/** The members that one test has had join. */
export class Members {
  readonly #stream: Stream
  #members: GroupMember[] = []

  constructor(stream: Stream) {
    this.#stream = stream
  }

  join(group: Group, topics: readonly string[], start: Start = 'earliest'): GroupMember {
    const member = new GroupMember(this.#stream, group, topics, start)
    this.#members.push(member)
    return member
  }

  /** Everybody leaves, and a new member has it all: what it is given is what was committed. */
  async successor(group: Group, topics: readonly string[], partitions: number): Promise<Lease> {
    await this.closeAll()
    return this.join(group, topics).lease(partitions)
  }

  async closeAll(): Promise<void> {
    const members = this.#members
    this.#members = []
    await Promise.all(members.map(member => within('a member closes', member.close())))
  }
}
