import type { InHand, Suspect } from '../agents/progress.ts'
import type { PortableError } from '../errors.ts'

/** What is remembered of threads that ended with data in hand; the oldest is forgotten beyond it, and at worst gets its attempts anew. */
const MOST = 1_000

/**
 * The data that an agent's threads had in hand when they ended, and the attempts that they used up: without it a datum that
 * kills its thread would kill every thread after it, for ever. All replicas of an agent share it, for the datum goes to one after the other.
 */
export class Suspects {
  readonly #byPlace = new Map<string, Suspect>()
  readonly #followers = new Set<() => void>()
  readonly #topics: readonly string[]

  /** @param topics the agent's, in the order of their index in the progress. */
  constructor(topics: readonly string[]) {
    this.#topics = topics
  }

  /** Counts an attempt of the datum whose handler was on the stack; where none was (an error out of a timer or a promise), of all in hand. */
  blame(inHand: readonly InHand[], reason: PortableError): void {
    const blamed = inHand[0]?.current ? inHand.slice(0, 1) : inHand
    for (const held of blamed) {
      const topic = this.#topics[held.topic]
      if (topic === undefined) continue
      // Of a batch one is at fault and nobody knows which: each is run by itself next, and only then does an attempt count.
      const isOneOfMany = held.end - held.offset > 1
      for (let offset = held.offset; offset < held.end; offset++) {
        const place = `${topic}/${held.partition}/${offset}`
        const known = this.#byPlace.get(place)?.attempts ?? 0
        // A replica that had not heard of the others' attempts counted from the beginning.
        const attempts = isOneOfMany ? Math.max(held.attempt - 1, known) : Math.max(held.attempt, known + 1)
        this.#byPlace.delete(place)
        this.#byPlace.set(place, { topic, partition: held.partition, offset, attempts, reason })
      }
    }
    for (const oldest of this.#byPlace.keys()) {
      if (this.#byPlace.size <= MOST) break
      this.#byPlace.delete(oldest)
    }
    for (const follower of this.#followers) follower()
  }

  /** Calls back whenever something is blamed. @returns what ends it. */
  follow(follower: () => void): () => void {
    this.#followers.add(follower)
    return () => this.#followers.delete(follower)
  }

  /** What the process before had in hand. */
  add(suspect: Suspect | undefined): void {
    if (suspect !== undefined) this.#byPlace.set(`${suspect.topic}/${suspect.partition}/${suspect.offset}`, suspect)
  }

  list(): readonly Suspect[] {
    return [...this.#byPlace.values()]
  }
}
