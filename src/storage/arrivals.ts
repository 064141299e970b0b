import type { Clock } from '../clock.ts'
import type { Lease, TopicPartition } from '../stream/stream.ts'

/** Positions [first, end) that have arrived in a partition. Their bytes are counted and let go: the stream holds them. */
export interface Arrived {
  readonly first: number
  readonly end: number
  readonly bytes: number
  /** When the oldest of them was appended. */
  readonly appendedMs: number
}

const FETCH_BYTES = 1_000_000

/**
 * What arrives in one partition from `from` on, watched and not held. A fetch that is waiting stays waiting across a roll, which is
 * why this is one object for the whole lease and not a call for each roll.
 */
export class Arrivals {
  readonly #lease: Lease
  readonly #place: TopicPartition
  readonly #clock: Clock
  #from: number
  #fetching = false
  #arrived: Arrived | undefined
  #failure: { readonly error: unknown } | undefined
  #closed = false
  #wake: () => void = () => undefined

  constructor(lease: Lease, place: TopicPartition, from: number, clock: Clock) {
    this.#lease = lease
    this.#place = place
    this.#from = from
    this.#clock = clock
  }

  /** The next positions, in order; `'due'` when the clock reaches `dueMs` first; undefined when the lease has ended or this is closed. */
  async next(dueMs: number | undefined): Promise<Arrived | 'due' | undefined> {
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure.error
      if (this.#closed) return undefined
      const arrived = this.#arrived
      if (arrived !== undefined) {
        this.#arrived = undefined
        return arrived
      }
      if (dueMs !== undefined && this.#clock.now() >= dueMs) return 'due'
      if (!this.#fetching) this.#fetch()
      await this.#change(dueMs)
    }
  }

  /** Begins at an offset beyond; only before the first {@link next}. */
  passTo(offset: number): void {
    this.#from = offset
  }

  /** Gives back what was taken and not used: {@link next} returns it again. */
  unread(arrived: Arrived): void {
    this.#arrived = arrived
  }

  /** Ends the waiting. */
  close(): void {
    this.#closed = true
    this.#wake()
  }

  #change(dueMs: number | undefined): Promise<void> {
    return new Promise(resolve => {
      const cancel = dueMs === undefined ? undefined : this.#clock.after(Math.max(0, dueMs - this.#clock.now()), () => this.#wake())
      this.#wake = () => {
        cancel?.()
        resolve()
      }
    })
  }

  #fetch(): void {
    this.#fetching = true
    this.#lease
      .fetch(this.#place, this.#from, FETCH_BYTES)
      .then(
        batch => {
          if (batch === undefined) {
            this.#closed = true
            return
          }
          // A batch begins at or before what was asked for, or after it where retention has taken that.
          const first = Math.max(batch.first, this.#from)
          const end = Math.max(batch.first + batch.count, first)
          this.#from = end
          this.#arrived = { first, end, bytes: batch.frames.length, appendedMs: batch.appendedMs }
        },
        (error: unknown) => {
          this.#failure = { error }
        },
      )
      .finally(() => {
        this.#fetching = false
        this.#wake()
      })
  }
}
