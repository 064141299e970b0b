import type { TopicPartition } from '../../stream.ts'

/** Where a group has begun, as the control topic notes it. */
export interface Begun {
  readonly group: string
  /** `topic/partition` of each place. */
  readonly places: readonly string[]
  readonly edition?: number
  /** How many partitions each of the places' topics had then. */
  readonly partitions?: Readonly<Record<string, number>>
}

/** What is known of where groups have begun. Brokers forget it: they drop the offsets of a group that rests for days. */
export class BegunPlaces {
  readonly #places = new Set<string>()
  readonly #editions = new Map<string, number | undefined>()
  readonly #partitions = new Map<string, number>()

  /** Of a group's edition, and of a topic's partitions when the group began in it, the first that is noted counts. */
  add({ group, places, edition, partitions = {} }: Begun): void {
    for (const place of places) this.#places.add(keyOf(group, place))
    if (this.#editions.get(group) === undefined) this.#editions.set(group, edition)
    for (const [topic, count] of Object.entries(partitions)) {
      const key = keyOf(group, topic)
      if (!this.#partitions.has(key)) this.#partitions.set(key, count)
    }
  }

  hasGroup(group: string): boolean {
    return this.#editions.has(group)
  }

  has(group: string, place: TopicPartition): boolean {
    return this.#places.has(keyOf(group, nameOf(place)))
  }

  /**
   * Whether the topic has got the partition since the group began in it. Not the same as a partition without an offset: of a generation that
   * is the group's first, one member may have committed and another not yet.
   */
  isLater(group: string, { topic, partition }: TopicPartition): boolean {
    const count = this.#partitions.get(keyOf(group, topic))
    return count !== undefined && partition >= count
  }

  editionOf(group: string): number | undefined {
    return this.#editions.get(group)
  }
}

export function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}

function keyOf(group: string, name: string): string {
  return `${group}\0${name}`
}
