import { isIP } from 'node:net'
import { MillraceError } from '../../../errors.ts'
import type { Connection, KafkaClient } from './client.ts'
import { type Doing, isTransient, kafkaFailure } from './failure.ts'
import type { Settings } from './options.ts'
import { answered } from './wire/answered.ts'

export type Pool = InstanceType<KafkaClient['ConnectionPool']>

export interface PartitionMetadata {
  /** Node of the leader; −1 while there is none. */
  readonly leader: number
  readonly replicas: number
}

export interface TopicMetadata {
  readonly id: string
  /** By partition, without gaps. */
  readonly partitions: readonly PartitionMetadata[]
}

/** A broker answers a connection's requests one after the other, so what may be slow has connections of its own. */
export type Purpose = 'calls' | 'produce' | 'reads'

const CONNECT_TIMEOUT_MS = 5_000
const REQUEST_TIMEOUT_MS = 15_000
/** How long a call is tried before the stream counts as away. */
export const PATIENCE_MS = 10_000
const RETRY_MS = 100

/** The brokers: who they are, who leads a partition or coordinates a group, and connections to them. */
export class Cluster {
  readonly kafka: KafkaClient
  readonly settings: Settings
  readonly #pools = new Map<Purpose, Pool>()
  readonly #topics = new Map<string, TopicMetadata>()
  readonly #coordinators = new Map<string, { host: string; port: number }>()
  #nodes = new Map<number, { host: string; port: number }>()
  #refreshing: { readonly topics: Set<string>; readonly done: Promise<void> } | undefined
  #clusterId = ''
  #closed = false

  constructor(kafka: KafkaClient, settings: Settings) {
    this.kafka = kafka
    this.settings = settings
  }

  get id(): string {
    return this.#clusterId
  }

  get nodes(): readonly number[] {
    return [...this.#nodes.keys()]
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Connections of one purpose; the caller of {@link newPool} closes its own. */
  newPool(requestTimeoutMs = REQUEST_TIMEOUT_MS, withLogin = true): Pool {
    const { tls, sasl, clientId, brokers } = this.settings
    const pool = new this.kafka.ConnectionPool(clientId, {
      connectTimeout: CONNECT_TIMEOUT_MS,
      requestTimeout: requestTimeoutMs,
      // Brokers behind one address are told apart by the name in the handshake; an address has no place there (RFC 6066 §3).
      ...(tls === undefined ? {} : { tls, tlsServerName: brokers.some(({ host }) => isIP(host) === 0) }),
      ...(sasl === undefined || !withLogin ? {} : { sasl }),
    })
    // The pool listens for one error of a connection; one that is refused, then reset, has two, and a second without a listener ends the process.
    pool.on('connecting', ({ connection }) => connection.on('error', () => undefined))
    return pool
  }

  pool(purpose: Purpose): Pool {
    if (this.#closed) throw closedError()
    let pool = this.#pools.get(purpose)
    if (pool === undefined) {
      const { sendTimeoutMs } = this.settings
      pool = this.newPool(purpose === 'produce' ? Math.min(REQUEST_TIMEOUT_MS, Math.max(1_000, sendTimeoutMs)) : REQUEST_TIMEOUT_MS)
      this.#pools.set(purpose, pool)
    }
    return pool
  }

  /** @throws a transient error while the node is not known or cannot be reached; where it led a partition, who leads now is asked anew then. */
  async connect(node: number, pool: Pool = this.pool('calls')): Promise<Connection> {
    const broker = this.#nodes.get(node)
    try {
      if (broker === undefined) throw away(`the broker ${node} is not among those that are known`)
      return await pool.get(broker)
    } catch (error) {
      // What is known of a topic is asked for only while it has no leader: it would be tried at this node for ever.
      this.#withoutLeader(node)
      throw error
    }
  }

  /** Any broker that answers. */
  async any(): Promise<Connection> {
    const known = [...this.#nodes.values()]
    const pool = this.pool('calls')
    // All at once: an address that swallows packets must not use up the patience that the next one needs.
    return Promise.any([...known, ...this.settings.brokers].map(broker => pool.get(broker)))
  }

  /** What is known of a topic without asking. */
  known(kafkaTopic: string): TopicMetadata | undefined {
    return this.#topics.get(kafkaTopic)
  }

  /** A topic as the brokers know it, asked for where it is not known yet; undefined where there is none. */
  async topic(kafkaTopic: string): Promise<TopicMetadata | undefined> {
    const known = this.#topics.get(kafkaTopic)
    if (known?.partitions.every(partition => partition.leader >= 0)) return known
    await this.refresh([kafkaTopic])
    return this.#topics.get(kafkaTopic)
  }

  /** Asks for topics anew. Callers at one time share the question. */
  async refresh(kafkaTopics: readonly string[]): Promise<void> {
    while (this.#refreshing !== undefined) {
      const { topics, done } = this.#refreshing
      await done
      if (kafkaTopics.every(topic => topics.has(topic))) return
    }
    const done = this.#ask(kafkaTopics)
    this.#refreshing = { topics: new Set(kafkaTopics), done }
    try {
      await done
    } finally {
      this.#refreshing = undefined
    }
  }

  async #ask(kafkaTopics: readonly string[]): Promise<void> {
    const names = [...new Set(kafkaTopics)]
    const { brokers, clusterId, topics } = await answered(this.kafka.metadataV12.api.async(await this.any(), names, false, false))
    this.#clusterId = clusterId ?? ''
    if (brokers.length > 0) this.#nodes = new Map(brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]))
    for (const { name, topicId, errorCode, partitions } of topics) {
      if (typeof name !== 'string') continue
      const problem = this.errorId(errorCode)
      if (problem === 'TOPIC_AUTHORIZATION_FAILED') throw this.denied(`describe the topic ${name}`, `Describe on the topic ${name}`)
      if (problem === undefined || NOT_THERE.has(problem)) this.#topics.delete(name)
      else throw away(`the topic ${name}: ${problem}`)
      if (problem !== undefined) continue
      const sorted = partitions.toSorted((a, b) => a.partitionIndex - b.partitionIndex)
      this.#topics.set(name, {
        id: topicId,
        partitions: sorted.map(({ leaderId, replicaNodes }) => ({ leader: leaderId, replicas: replicaNodes.length })),
      })
    }
  }

  /** Every topic of the cluster that this user may see. */
  async listTopics(): Promise<string[]> {
    const { topics } = await answered(this.kafka.metadataV12.api.async(await this.any(), null, false, false))
    return topics.flatMap(({ name }) => (typeof name === 'string' ? [name] : []))
  }

  #withoutLeader(node: number): void {
    for (const [name, { id, partitions }] of this.#topics) {
      if (!partitions.some(({ leader }) => leader === node)) continue
      const left = partitions.map(partition => (partition.leader === node ? { ...partition, leader: -1 } : partition))
      this.#topics.set(name, { id, partitions: left })
    }
  }

  /** What was known of a topic counts no longer. */
  forget(kafkaTopic: string): void {
    this.#topics.delete(kafkaTopic)
  }

  /** A connection to the coordinator of a group. */
  async coordinator(kafkaGroup: string, pool: Pool = this.pool('calls')): Promise<Connection> {
    let broker = this.#coordinators.get(kafkaGroup)
    if (broker === undefined) {
      const { coordinators } = await answered(this.kafka.findCoordinatorV4.api.async(await this.any(), GROUP_KEY, [kafkaGroup]))
      const [found] = coordinators
      const problem = found === undefined ? 'COORDINATOR_NOT_AVAILABLE' : this.errorId(found.errorCode)
      if (problem === 'GROUP_AUTHORIZATION_FAILED')
        throw this.denied(`find the coordinator of the group ${kafkaGroup}`, `Describe on the group ${kafkaGroup}`)
      if (found === undefined || problem !== undefined) throw away(`the group ${kafkaGroup} has no coordinator (${problem})`)
      broker = { host: found.host, port: found.port }
      this.#coordinators.set(kafkaGroup, broker)
    }
    try {
      return await pool.get(broker)
    } catch (error) {
      this.#coordinators.delete(kafkaGroup)
      throw error
    }
  }

  /** The coordinator may have moved: it is looked for again at the next call. */
  forgetCoordinator(kafkaGroup: string): void {
    this.#coordinators.delete(kafkaGroup)
  }

  /** The protocol's name of an error; undefined for none. */
  errorId(code: number): string | undefined {
    return code === 0 ? undefined : (this.kafka.protocolErrorsCodesById[code] ?? `error ${code}`)
  }

  /** Tries until it succeeds, fails for good, or patience ends. @throws classified errors only. */
  async patiently<T>(doing: Omit<Doing, 'brokers' | 'sasl'>, work: () => Promise<T>, patienceMs = PATIENCE_MS): Promise<T> {
    const { clock } = this.settings
    for (const until = clock.now() + patienceMs; ; ) {
      try {
        return await work()
      } catch (error) {
        if (this.#closed) throw closedError()
        if (!isTransient(error) || clock.now() >= until) throw this.failure(error, doing)
      }
      await clock.sleep(RETRY_MS)
    }
  }

  failure(error: unknown, doing: Omit<Doing, 'brokers' | 'sasl'>): Error {
    if (this.#closed && !(error instanceof MillraceError)) return closedError()
    const brokers = this.settings.brokers.map(({ host, port }) => `${host}:${port}`).join(', ')
    return kafkaFailure(error, { ...doing, brokers, sasl: this.settings.sasl })
  }

  denied(what: string, right: string): MillraceError {
    const { sasl } = this.settings
    const user = sasl === undefined ? 'a client without a user name' : `the user ${JSON.stringify(sasl.username)}`
    return new MillraceError('STREAM_DENIED', `Kafka refuses to ${what} for ${user}.`, {
      fix: `Give it the right: ${right} (kafka-acls --add).`,
    })
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#pools.values()].map(pool => pool.close()))
  }
}

const GROUP_KEY = 0
const NOT_THERE = new Set(['UNKNOWN_TOPIC_OR_PARTITION', 'INVALID_TOPIC_EXCEPTION'])

/** Something that a moment may mend. */
export function away(why: string): MillraceError {
  return new MillraceError('STREAM_UNAVAILABLE', `Kafka is not ready: ${why}.`, { fix: 'Check that the brokers run.' })
}

export function closedError(): MillraceError {
  return new MillraceError('ENGINE_CLOSED', 'The stream on Kafka is closed.')
}
