import { MillraceError } from '../../../errors.ts'
import type { Assigned, Group, Lease, Moved, RecordBatch, TopicPartition } from '../../stream.ts'
import type { PartitionLog } from './partition-log.ts'

/** What a lease may do to its group while it stands. */
export interface LeaseGroup {
  log(place: TopicPartition): PartitionLog
  /** @throws LEASE_LOST where one of them does not stand where it was moved from; nothing is moved then. */
  move(moves: readonly Moved[]): void
}

export class MemoryLease implements Lease {
  readonly group: Group
  readonly partitions: readonly Assigned[]
  readonly signal: AbortSignal
  readonly #on: LeaseGroup
  readonly #controller = new AbortController()

  constructor(on: LeaseGroup, group: Group, partitions: readonly Assigned[]) {
    this.#on = on
    this.group = group
    this.partitions = partitions
    this.signal = this.#controller.signal
  }

  async fetch(place: TopicPartition, from: number, maxBytes: number): Promise<RecordBatch | undefined> {
    const log = this.#on.log(place)
    while (!this.signal.aborted) {
      const batch = log.read(from, maxBytes)
      if (batch.count > 0 || batch.first > from) return batch
      await log.grown(this.signal)
    }
    return undefined
  }

  async commit(checkpoints: readonly Moved[]): Promise<void> {
    const strange = checkpoints.find(moved => !this.partitions.some(own => own.topic === moved.topic && own.partition === moved.partition))
    if (this.signal.aborted || strange !== undefined) {
      const what = strange === undefined ? 'The lease has ended.' : `${strange.topic}/${strange.partition} is not of this lease.`
      throw new MillraceError('LEASE_LOST', what, { cause: this.signal.reason })
    }
    this.#on.move(checkpoints)
  }

  end(reason: Error): void {
    this.#controller.abort(reason)
  }
}
