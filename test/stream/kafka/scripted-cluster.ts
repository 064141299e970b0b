import * as kafka from '@platformatic/kafka'
import type { Connection, KafkaClient } from '../../../src/stream/adapters/kafka/client.ts'
import { Cluster, type Pool, type TopicMetadata } from '../../../src/stream/adapters/kafka/cluster.ts'
import { type KafkaOptions, settingsOf } from '../../../src/stream/adapters/kafka/options.ts'

/** What brokers answer to the calls of a test; a call that is not in it is the client's own. */
export type Script = { readonly [Call in keyof KafkaClient]?: KafkaClient[Call] extends { api: { async: infer Ask } } ? Ask : never }

/** A cluster without brokers: its calls are answered by a script, and what there is to know of topics is given. */
export class ScriptedCluster extends Cluster {
  readonly topics = new Map<string, TopicMetadata>()
  /** How many connection pools are open. */
  pools = 0
  onPoolClosed: () => void = () => undefined
  onRefresh: () => void = () => undefined
  readonly #kafka: KafkaClient

  constructor(script: Script, options: Partial<KafkaOptions> = {}) {
    const calls = Object.entries(script).map(([name, async]) => [name, { api: { async } }])
    // The calls of the script are of the client's own types.
    const client = { ...kafka, ...Object.fromEntries(calls) } as KafkaClient
    super(client, settingsOf({ brokers: ['scripted:9092'], pipeline: 'grid', ...options }))
    this.#kafka = client
  }

  /** A topic with so many partitions, all led by one broker unless `leaders` says otherwise. */
  add(kafkaTopic: string, partitions = 1, leaders: readonly number[] = []): void {
    const id = `id-of-${kafkaTopic}`
    this.topics.set(kafkaTopic, {
      id,
      partitions: Array.from({ length: partitions }, (_, partition) => ({ leader: leaders[partition] ?? 1, replicas: 1 })),
    })
  }

  override get nodes(): readonly number[] {
    return [1]
  }

  override known(kafkaTopic: string): TopicMetadata | undefined {
    return this.topics.get(kafkaTopic)
  }

  override topic(kafkaTopic: string): Promise<TopicMetadata | undefined> {
    return Promise.resolve(this.topics.get(kafkaTopic))
  }

  override async refresh(): Promise<void> {
    this.onRefresh()
  }

  override forget(): void {}

  override connect(): Promise<Connection> {
    return this.any()
  }

  override any(): Promise<Connection> {
    return Promise.resolve(new this.#kafka.Connection('scripted'))
  }

  override coordinator(): Promise<Connection> {
    return this.any()
  }

  override newPool(): Pool {
    const pool = super.newPool()
    const close = pool.close.bind(pool)
    this.pools++
    return Object.assign(pool, {
      close: async () => {
        this.pools--
        await close()
        this.onPoolClosed()
      },
    })
  }
}
