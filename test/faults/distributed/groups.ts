import { Admin } from '@platformatic/kafka'
import faults from './pipeline.ts'

/** The consumer groups of a fleet, as the broker has them. */
export class Groups {
  readonly #admin: Admin
  readonly #prefix: string

  constructor(kafka: string, prefix: string) {
    this.#admin = new Admin({ clientId: 'millrace-test', bootstrapBrokers: kafka.split(',') })
    this.#prefix = prefix
  }

  /** Members of an agent's group, each with its partitions of one topic; undefined while the group is being shared out anew. */
  async members(agent: string, topic: string): Promise<ReadonlyMap<string, readonly number[]> | undefined> {
    const name = this.#group(agent)
    const group = (await this.#admin.describeGroups({ groups: [name] })).get(name)
    if (group === undefined || group.state.toLowerCase() !== 'stable') return undefined
    return new Map([...group.members.values()].map(({ id, assignments }) => [id, assignments?.get(this.#topic(topic))?.partitions ?? []]))
  }

  /** The fewest replicas that any partition of the fleet's topics has. */
  async fewestReplicas(): Promise<number> {
    const own = (await this.#admin.listTopics()).filter(topic => topic.startsWith(`${this.#prefix}.`))
    const { topics } = await this.#admin.metadata({ topics: own, forceUpdate: true })
    return Math.min(...[...topics.values()].flatMap(({ partitions }) => partitions.map(({ replicas }) => replicas.length)))
  }

  /** Sets every group of the pipeline to an offset in each partition that it reads, as an operator's tool does; nobody may be in them. */
  async reset(offsetIn: (topic: string, partition: number) => number): Promise<void> {
    for (const [id, { from }] of faults.agents) {
      const topics = from.map(({ name, spec }) => ({
        name: this.#topic(name),
        partitionOffsets: Array.from({ length: spec.partitions }, (_, partition) => ({
          partition,
          offset: BigInt(offsetIn(name, partition)),
        })),
      }))
      await this.#admin.alterConsumerGroupOffsets({ groupId: this.#group(id), topics })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#admin.close()
  }

  #group(agent: string): string {
    return `${this.#prefix}.millrace.${faults.name}.${agent}`
  }

  #topic(name: string): string {
    return `${this.#prefix}.${name}`
  }
}
