import type { Assigned, Group, Lease, Moved, RecordBatch, TopicPartition } from '../../stream/stream.ts'

/** What a lease needs of its client. */
export interface LeaseClient {
  /** A read at the end waits until the partition grows; undefined when the signal aborts. */
  fetch(place: TopicPartition, from: number, maxBytes: number, signal: AbortSignal): Promise<RecordBatch | undefined>
  move(lease: EmbeddedLease, checkpoints: readonly Moved[]): Promise<void>
}

/** A lease as its member holds it. It may have ended at the writer before the member hears of it: the writer refuses what is late. */
export class EmbeddedLease implements Lease {
  readonly group: Group
  readonly partitions: readonly Assigned[]
  readonly signal: AbortSignal
  /** What the writer knows it by. */
  readonly member: number
  readonly generation: number
  readonly #client: LeaseClient
  readonly #controller = new AbortController()

  constructor(client: LeaseClient, member: number, generation: number, group: Group, partitions: readonly Assigned[]) {
    this.#client = client
    this.member = member
    this.generation = generation
    this.group = group
    this.partitions = partitions
    this.signal = this.#controller.signal
  }

  fetch(place: TopicPartition, from: number, maxBytes: number): Promise<RecordBatch | undefined> {
    return this.#client.fetch(place, from, maxBytes, this.signal)
  }

  commit(checkpoints: readonly Moved[]): Promise<void> {
    return this.#client.move(this, checkpoints)
  }

  end(reason: Error): void {
    this.#controller.abort(reason)
  }
}
