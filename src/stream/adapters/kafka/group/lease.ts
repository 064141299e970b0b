import { isMillraceError, MillraceError } from '../../../../errors.ts'
import type { Assigned, Group, Lease, Moved, RecordBatch, TopicPartition } from '../../../stream.ts'
import type { Cluster } from '../cluster.ts'
import { isTransient } from '../failure.ts'
import { type Committer, commitOffsets } from './committed-offsets.ts'
import type { FetchedPlace, Fetcher } from './fetcher.ts'
import type { Membership } from './member.ts'
import { toCommit } from './positions.ts'

const RETRY_MS = 50

/** One generation's share. What fences it is the coordinator: it takes commits of the current generation's members only. */
export class KafkaLease implements Lease {
  readonly group: Group
  readonly partitions: readonly Assigned[]
  readonly signal: AbortSignal
  readonly #cluster: Cluster
  readonly #membership: Membership
  readonly #committer: Committer
  readonly #fetcher: Fetcher
  readonly #places: ReadonlyMap<string, FetchedPlace>
  /** The offset that this lease has committed last, by place. */
  readonly #committed: Map<string, number>
  #committing: Promise<void> = Promise.resolve()

  constructor(
    cluster: Cluster,
    membership: Membership,
    committer: Committer,
    group: Group,
    partitions: readonly Assigned[],
    places: readonly FetchedPlace[],
    fetcher: Fetcher,
  ) {
    this.#cluster = cluster
    this.#membership = membership
    this.#committer = committer
    this.group = group
    this.partitions = partitions
    this.signal = membership.signal
    this.#fetcher = fetcher
    this.#places = new Map(places.map(place => [nameOf(place), place]))
    this.#committed = new Map(partitions.map(place => [nameOf(place), place.checkpoint.offset]))
  }

  fetch(place: TopicPartition, from: number, maxBytes: number): Promise<RecordBatch | undefined> {
    return this.#fetcher.fetch(place, from, maxBytes)
  }

  /** One commit after the other: each is judged by what the one before it has moved. */
  commit(checkpoints: readonly Moved[]): Promise<void> {
    const commit = this.#committing.then(() => this.#commit(checkpoints))
    this.#committing = commit.catch(() => undefined)
    return commit
  }

  async #commit(checkpoints: readonly Moved[]): Promise<void> {
    if (checkpoints.length === 0) return
    if (this.#membership.isStale()) this.#membership.end(new Error('Nothing was heard of the group’s coordinator for a session timeout.'))
    if (this.signal.aborted) throw lost(`the lease of ${this.group.name} has ended`)
    const offsets = checkpoints.map(({ topic, partition, from, checkpoint }) => {
      const name = nameOf({ topic, partition })
      const place = this.#places.get(name)
      if (place === undefined) throw lost(`${name} is not of this lease`)
      const stands = this.#committed.get(name)
      if (stands !== from) throw lost(`${name} stands at ${stands}, and the commit was computed at ${from}`)
      return toCommit(place, checkpoint)
    })
    await this.#send(offsets)
    for (const { topic, partition, checkpoint } of checkpoints) this.#committed.set(nameOf({ topic, partition }), checkpoint.offset)
  }

  /** The same offsets may be committed again under the same generation, so what fails for a while is sent again while the lease lives. */
  async #send(offsets: Parameters<typeof commitOffsets>[2]): Promise<void> {
    for (;;) {
      try {
        await commitOffsets(this.#cluster, this.#committer, offsets)
        return
      } catch (error) {
        if (isMillraceError(error, 'LEASE_LOST')) {
          this.#membership.end(error)
          throw error
        }
        const { kafkaGroup } = this.#committer
        if (!isTransient(error))
          throw this.#cluster.failure(error, {
            what: `commit offsets of the group ${kafkaGroup}`,
            right: `Read on the group ${kafkaGroup}`,
          })
        this.#cluster.forgetCoordinator(kafkaGroup)
        // Whether it was taken is not known: whoever has the next lease reads what is.
        if (this.signal.aborted) throw lost(`the lease of ${this.group.name} ended before its commit was answered`, error)
      }
      await this.#cluster.settings.clock.sleep(RETRY_MS)
    }
  }
}

function lost(why: string, cause?: unknown): MillraceError {
  return new MillraceError('LEASE_LOST', `The commit is refused: ${why}.`, cause === undefined ? {} : { cause })
}

function nameOf({ topic, partition }: TopicPartition): string {
  return `${topic}/${partition}`
}
