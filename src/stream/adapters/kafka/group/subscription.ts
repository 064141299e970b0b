import { isMillraceError, MillraceError } from '../../../../errors.ts'
import type { Group, Lease, Start, Subscription } from '../../../stream.ts'
import { away, type Cluster, type Pool } from '../cluster.ts'
import type { Control } from '../control.ts'
import { isTransient } from '../failure.ts'
import type { Names } from '../names.ts'
import type { Packing } from '../wire/compression.ts'
import type { FetchCall } from '../wire/fetch-call.ts'
import { type FetchedPlace, Fetcher } from './fetcher.ts'
import { KafkaLease } from './lease.ts'
import { Member, type Membership } from './member.ts'
import { readPositions } from './positions.ts'
import { takeOver } from './takeover.ts'

/** What a subscription is made of, shared by all of a stream. */
export interface GroupContext {
  readonly cluster: Cluster
  readonly names: Names
  readonly control: Control
  readonly packing: Packing
  readonly fetch: FetchCall
}

const RETRY_MS = 200

/**
 * Membership of one group, lease by lease. States: joining (a group that it replaces is ended first) → leased or replaced → closed. While the
 * brokers are away it goes on trying; what trying does not mend ends it with the error.
 */
export class KafkaSubscription implements Subscription {
  readonly #context: GroupContext
  readonly #group: Group
  readonly #topics: readonly string[]
  readonly #start: Start
  readonly #member: Member
  readonly #pools: { readonly waiting: Pool; readonly looking: Pool }
  readonly #closed = new AbortController()
  readonly #starting: Promise<void>
  #latest: KafkaLease | undefined
  #taken = true
  #error: unknown
  #wake: (() => void) | undefined
  #closing: Promise<void> | undefined

  constructor(context: GroupContext, group: Group, topics: readonly string[], start: Start) {
    const { cluster, names } = context
    this.#context = context
    this.#group = group
    this.#topics = topics
    this.#start = start
    this.#pools = { waiting: cluster.newPool(), looking: cluster.newPool() }
    const kafkaTopics = topics.map(topic => names.topic(topic))
    this.#member = new Member(cluster, names.group(group.name), kafkaTopics, {
      begun: membership => {
        // It tells of its own failures; nobody waits for it here.
        void this.#begin(membership)
      },
      failed: error => this.#fail(error),
    })
    this.#starting = this.#join(kafkaTopics)
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Lease, void> {
    while (!this.#closed.signal.aborted) {
      if (this.#error !== undefined) throw this.#error
      if (!this.#taken && this.#latest?.signal.aborted === false) {
        this.#taken = true
        yield this.#latest
      } else {
        const { promise, resolve } = Promise.withResolvers<void>()
        this.#wake = resolve
        await promise
      }
    }
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#closed.abort(new Error('The subscription was closed.'))
    this.#signal()
    await this.#starting
    try {
      await this.#member.leave()
    } finally {
      await Promise.all([this.#pools.waiting.close(), this.#pools.looking.close()])
    }
  }

  /** Every step may be done again: until it is through, or will not be. */
  async #join(kafkaTopics: readonly string[]): Promise<void> {
    const { cluster, names, control } = this.#context
    await this.#persist(async () => {
      await cluster.refresh(kafkaTopics)
      const unknown = this.#topics.find((_, index) => cluster.known(kafkaTopics[index]!) === undefined)
      if (unknown !== undefined) throw new MillraceError('TOPIC_UNKNOWN', `There is no topic ${unknown}, which ${this.#group.name} reads.`)
      await takeOver(cluster, names, control, this.#group)
    }, this.#closed.signal)
    if (!this.#closed.signal.aborted && this.#error === undefined) this.#member.join()
  }

  async #begin(membership: Membership): Promise<void> {
    await this.#persist(async () => {
      const { control } = this.#context
      await control.catchUp()
      if (control.replacedBy(this.#group.name) === undefined) {
        const lease = await this.#lease(membership)
        if (membership.signal.aborted) return
        this.#latest = lease
        this.#taken = false
        this.#signal()
      } else {
        // Its place is another's: no lease, and no partition kept from the members that know it.
        membership.end(new Error(`${this.#group.name} has been replaced.`))
        await this.#member.leave()
      }
    }, membership.signal)
  }

  async #lease(membership: Membership): Promise<KafkaLease> {
    const { cluster, names, control, packing, fetch } = this.#context
    const places = await this.#places(membership)
    const { memberId, generationId } = membership
    const committer = { kafkaGroup: names.group(this.#group.name), memberId, generationId }
    const asked = { group: this.#group.name, edition: this.#group.edition, topics: this.#topics, start: this.#start }
    const { edition, line, assigned } = await readPositions(cluster, names, control, asked, committer, places)
    const group: Group = { ...this.#group, edition, ...(line.length === 0 ? {} : { line: line.map(replaced => replaced.old) }) }
    const fetcher = new Fetcher(cluster, packing, fetch, places, this.#pools, membership.signal)
    return new KafkaLease(cluster, membership, committer, group, assigned, places, fetcher)
  }

  async #places(membership: Membership): Promise<FetchedPlace[]> {
    const { cluster, names } = this.#context
    const topics = new Map(this.#topics.map(topic => [names.topic(topic), topic]))
    const places: FetchedPlace[] = []
    for (const { topic: kafkaTopic, partitions } of membership.shares) {
      // Whoever shared out may have seen partitions that were added since this process looked: what is committed there would not be asked for.
      const isOlder = partitions.some(partition => cluster.known(kafkaTopic)?.partitions[partition] === undefined)
      if (isOlder) await cluster.refresh([kafkaTopic])
      const [topic, metadata] = [topics.get(kafkaTopic), await cluster.topic(kafkaTopic)]
      if (topic === undefined || metadata === undefined)
        throw new MillraceError('TOPIC_UNKNOWN', `The topic ${kafkaTopic} has been deleted.`)
      if (partitions.some(partition => metadata.partitions[partition] === undefined))
        throw away(`not every broker knows all partitions of ${kafkaTopic} yet`)
      for (const partition of partitions) places.push({ topic, kafkaTopic, partition, topicId: metadata.id })
    }
    return places
  }

  /** Tries until it succeeds or `signal` aborts, and tells of what trying does not mend. */
  async #persist(work: () => Promise<void>, signal: AbortSignal): Promise<void> {
    const { cluster } = this.#context
    while (!signal.aborted) {
      try {
        await work()
        return
      } catch (error) {
        // The next generation is on its way.
        if (signal.aborted || isMillraceError(error, 'LEASE_LOST')) return
        if (!isTransient(error)) {
          this.#fail(cluster.failure(error, { what: `join the group ${this.#group.name}` }))
          return
        }
      }
      await cluster.settings.clock.sleep(RETRY_MS, signal).catch(() => undefined)
    }
  }

  #fail(error: unknown): void {
    this.#error ??= error
    this.#signal()
  }

  #signal(): void {
    this.#wake?.()
    this.#wake = undefined
  }
}
