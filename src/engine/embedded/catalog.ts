import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '../../errors.ts'
import type { TopicPartition, TopicSpec } from '../../stream/stream.ts'
import { numberAt, Query, textAt } from './rows.ts'

/** Stands for no limit by age, which is no number that the database holds. */
export const FOR_EVER_MS = Number.MAX_SAFE_INTEGER

/** One partition of one topic, with the small number that rows name it by. */
export interface Place extends TopicPartition {
  readonly place: number
}

/** The topics and their places as a connection sees them. They are never removed, so what was read stays true; what is missing is read again. */
export class Catalog {
  readonly #topics: Query
  readonly #places: Query
  readonly #byTopic = new Map<string, Place[]>()
  readonly #byNumber = new Map<number, Place>()

  constructor(db: DatabaseSync) {
    this.#topics = new Query(db, 'SELECT name, partitions, retention_ms, retention_bytes FROM topics ORDER BY name')
    this.#places = new Query(
      db,
      'SELECT p.place, t.name, p.partition FROM places p JOIN topics t ON t.topic = p.topic WHERE p.place > ? ORDER BY p.place',
    )
    this.refresh()
  }

  /** Reads what was added since. */
  refresh(): void {
    for (const row of this.#places.all(this.#byNumber.size)) {
      const place: Place = { place: numberAt(row, 0), topic: textAt(row, 1), partition: numberAt(row, 2) }
      this.#byNumber.set(place.place, place)
      const places = this.#byTopic.get(place.topic)
      if (places === undefined) this.#byTopic.set(place.topic, [place])
      else places[place.partition] = place
    }
  }

  specs(): TopicSpec[] {
    return this.#topics.all().map(row => ({
      name: textAt(row, 0),
      partitions: numberAt(row, 1),
      retentionMs: numberAt(row, 2) === FOR_EVER_MS ? Number.POSITIVE_INFINITY : numberAt(row, 2),
      ...(row[3] === null ? {} : { retentionBytes: numberAt(row, 3) }),
    }))
  }

  /** @throws TOPIC_UNKNOWN */
  placesOf(topic: string): readonly Place[] {
    const places = this.findTopic(topic)
    if (places === undefined) {
      const known = [...this.#byTopic.keys()].filter(name => !name.startsWith('_')).sort()
      throw new MillraceError('TOPIC_UNKNOWN', `There is no topic '${topic}'.`, {
        fix: known.length === 0 ? 'No topic has been declared yet.' : `Topics are: ${known.join(', ')}.`,
      })
    }
    return places
  }

  findTopic(topic: string): readonly Place[] | undefined {
    const known = this.#byTopic.get(topic)
    if (known !== undefined) return known
    this.refresh()
    return this.#byTopic.get(topic)
  }

  /** @throws TOPIC_UNKNOWN, also where the topic has no such partition. */
  place(topic: string, partition: number): number {
    const places = this.placesOf(topic)
    const place = places[partition]
    if (place === undefined) {
      throw new MillraceError('TOPIC_UNKNOWN', `Topic '${topic}' has no partition ${partition}: it has ${places.length}, counted from 0.`)
    }
    return place.place
  }

  /** The place of a number that a row of this database gave. */
  at(place: number): Place {
    let found = this.#byNumber.get(place)
    if (found === undefined) {
      this.refresh()
      found = this.#byNumber.get(place)
    }
    if (found === undefined)
      throw new MillraceError('ENGINE_FAILED', `The data directory names partition number ${place}, which it does not hold.`)
    return found
  }

  all(): IterableIterator<Place> {
    return this.#byNumber.values()
  }
}
