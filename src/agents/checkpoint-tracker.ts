import type { Checkpoint } from '../stream/stream.ts'

export type Outcome = 'done' | 'dead' | 'duplicate'

/**
 * Where an agent stands in one partition: the offset below which everything is finished, and the counts of exactly what lies below it,
 * so that offset − first = done + dead + duplicate + lost at any moment. What is finished beyond a datum that is not waits here.
 */
export class CheckpointTracker {
  readonly #edition: number
  readonly #first: number
  readonly #counts: Record<Outcome, number>
  #lost: number
  #offset: number
  readonly #beyond = new Map<number, Outcome>()
  /** Ranges that had expired before they were read: first → end. */
  readonly #expired = new Map<number, number>()

  constructor(start: Checkpoint, edition: number) {
    this.#edition = edition
    this.#first = start.first
    this.#counts = { done: start.done, dead: start.dead, duplicate: start.duplicate }
    this.#lost = start.lost
    this.#offset = start.offset
  }

  /** Everything below it is finished. */
  get offset(): number {
    return this.#offset
  }

  get checkpoint(): Checkpoint {
    return { offset: this.#offset, first: this.#first, ...this.#counts, lost: this.#lost, edition: this.#edition }
  }

  finish(offset: number, outcome: Outcome): void {
    if (offset !== this.#offset) {
      this.#beyond.set(offset, outcome)
      return
    }
    this.#counts[outcome]++
    this.#offset++
    if (this.#beyond.size > 0 || this.#expired.size > 0) this.#advance()
  }

  /** The data [first, end) are gone: retention has passed them. */
  expire(first: number, end: number): void {
    this.#expired.set(first, end)
    this.#advance()
  }

  #advance(): void {
    for (;;) {
      const outcome = this.#beyond.get(this.#offset)
      const end = this.#expired.get(this.#offset)
      if (outcome !== undefined) {
        this.#beyond.delete(this.#offset)
        this.#counts[outcome]++
        this.#offset++
      } else if (end !== undefined) {
        this.#expired.delete(this.#offset)
        this.#lost += end - this.#offset
        this.#offset = end
      } else return
    }
  }
}
