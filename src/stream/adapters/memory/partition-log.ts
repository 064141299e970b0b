import type { AppendBatch, Bounds, RecordBatch, TopicPartition } from '../../stream.ts'

interface Held {
  readonly first: number
  readonly batch: AppendBatch
  readonly appendedMs: number
}

/** One partition in memory: the batches as they were appended, and who waits for more. */
export class PartitionLog {
  readonly #at: TopicPartition
  readonly #held: Held[] = []
  #next = 0
  #waiting = new Set<() => void>()

  constructor(at: TopicPartition) {
    this.#at = at
  }

  get bounds(): Bounds {
    return { first: this.#held[0]?.first ?? this.#next, next: this.#next }
  }

  /** @returns the offset of its first datum. */
  append(batch: AppendBatch, appendedMs: number): number {
    const first = this.#next
    if (batch.count === 0) return first
    this.#held.push({ first, batch, appendedMs })
    this.#next += batch.count
    for (const wake of [...this.#waiting]) wake()
    return first
  }

  /** The offset of the first batch appended at or after a time. */
  since(timeMs: number): number {
    return this.#held.find(held => held.appendedMs >= timeMs)?.first ?? this.#next
  }

  read(from: number, maxBytes: number): RecordBatch {
    const start = this.#held.findIndex(held => held.first + held.batch.count > from)
    if (start < 0) return { ...this.#at, first: Math.max(from, this.#next), count: 0, frames: EMPTY, ascii: true, appendedMs: 0 }
    const taken: Held[] = []
    let bytes = 0
    for (const held of this.#held.slice(start)) {
      if (taken.length > 0 && bytes + held.batch.frames.length > maxBytes) break
      taken.push(held)
      bytes += held.batch.frames.length
    }
    const [oldest] = taken
    return {
      ...this.#at,
      first: oldest!.first,
      count: taken.reduce((sum, { batch }) => sum + batch.count, 0),
      frames: Buffer.concat(taken.map(({ batch }) => batch.frames)),
      ascii: taken.every(({ batch }) => batch.ascii),
      appendedMs: oldest!.appendedMs,
    }
  }

  /** Resolves when it grows, or the signal aborts. */
  grown(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const wake = () => {
        signal.removeEventListener('abort', wake)
        this.#waiting.delete(wake)
        resolve()
      }
      signal.addEventListener('abort', wake, { once: true })
      this.#waiting.add(wake)
    })
  }
}

const EMPTY = new Uint8Array(0)
