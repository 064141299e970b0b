import type { DeadLetter, DeadLetters } from '../agents/dead-letter.ts'
import type { GivenAgain } from '../agents/replay.ts'
import { MillraceError } from '../errors.ts'
import type { AppendBatch, Lease, Moved, Place, Stream, TopicPartition } from '../stream/stream.ts'
import type { AgentVersion, MarkBatch, Range, Trace } from '../trace/trace.ts'

/**
 * The engine ties stream and trace in one commit, so that what an agent did takes effect once. Suite: `testing/engine-suite.ts`.
 */
export interface Engine extends Stream, Trace, EngineView {
  readonly letters: DeadLetters

  /** A unit of work is one transaction. Where false, cut off half way it is run again beside what its first run has left, by the same ids. */
  readonly transactional: boolean

  /**
   * Commits a unit of work. Embedded: one transaction. Distributed, each durable before the next: outputs and dead letters →
   * cache → marks → checkpoints. After a failure nothing of it may be assumed: end the lease and read the checkpoints again.
   * @throws LEASE_LOST: the assignment has ended or a checkpoint was moved by another; on an engine with one transaction nothing has happened.
   * @throws DISK_FULL: nothing has happened; the same unit may be committed again.
   */
  commit(unit: UnitOfWork): Promise<void>

  /**
   * Gives an agent data of a partition that it reads, again or, where its place began behind them, for the first time: puts them into its replay
   * topic in the order of their offsets, but for what is left out ({@link GivenAgain}). A version that was replaced gives way to the one that
   * has its place. Cut off, all of it or nothing is there; asked again, what is there is left out, or recognised by the agent (`holdsCopies`).
   * @param ranges by rising offsets.
   * @throws AGENT_UNKNOWN: no such agent reads the partition; nothing has happened.
   * @throws APPEND_UNKNOWN, as {@link Stream.append}.
   */
  replay(agent: AgentVersion, from: TopicPartition, ranges: readonly Range[]): Promise<GivenAgain>

  /** The last snapshot of a group's fold over one partition, or undefined. */
  snapshot(group: string, place: TopicPartition): Promise<Snapshot | undefined>

  close(): Promise<void>
}

/** What may be read of an engine, also by another process while it runs. */
export interface EngineView extends Pick<Stream, 'read' | 'topics' | 'bounds'>, Pick<Trace, 'find'> {
  readonly letters: Pick<DeadLetters, 'list' | 'counts' | 'frame' | 'original'>

  /** Every entry of a cache; undefined where no agent has written to it. */
  cache(name: string): Promise<CacheView | undefined>
  cacheEntry(name: string, key: string): Promise<CacheEntry | undefined>

  /** Where every group stands: the ledger's rows. */
  standings(): Promise<Standing[]>

  /** Bytes of the data that the log holds of a topic, as they count for its retention. Left out where the stream does not tell. @throws TOPIC_UNKNOWN */
  sizeOf?(topic: string): Promise<number>

  close(): Promise<void>
}

/** Everything that one batch did, for one lease. */
export interface UnitOfWork {
  readonly lease: Lease
  readonly agent: AgentVersion
  readonly outputs: readonly AppendBatch[]
  readonly letters: readonly DeadLetter[]
  readonly marks: readonly MarkBatch[]
  readonly cache: readonly CacheWrite[]
  /** At most one, of a place that `checkpoints` names, at its new offset. */
  readonly snapshots: readonly Snapshot[]
  readonly checkpoints: readonly Moved[]
}

/** A fold's value with the position it stands for: written only over a lower offset of the same partition, or another partition's. */
export interface CacheWrite {
  readonly cache: string
  readonly key: string
  /** JSON text. */
  readonly value: string
  readonly topic: string
  readonly partition: number
  /** The offset after the datum that it was computed from. */
  readonly offset: number
}

export interface CacheEntry {
  readonly key: string
  readonly value: string
  readonly updatedMs: number
  /** Rises with each write to the cache; an entity tag. */
  readonly revision: number
}

export interface CacheView {
  readonly revision: number
  readonly entries: readonly CacheEntry[]
}

/** State by key at an offset: everything below it is folded in. */
export interface Snapshot extends TopicPartition {
  readonly group: string
  readonly offset: number
  readonly bytes: Uint8Array
}

/** A group's place in one partition, beside the partition's own bounds. */
export interface Standing extends Place {
  /** The partition's first retained and next offset. */
  readonly first: number
  readonly next: number
  /** When the oldest datum that is not committed yet was appended; undefined when the group is at the end. */
  readonly oldestPendingMs?: number
}

/** The group of an agent: one place in the stream for each version. */
export function groupName(agent: AgentVersion): string {
  return `${agent.name}@${agent.version}`
}

/** The agent of a group: {@link groupName}'s inverse. A group that is no agent's has version 0. */
export function agentOf(group: string): AgentVersion {
  const at = group.lastIndexOf('@')
  const version = at < 0 ? Number.NaN : Number(group.slice(at + 1))
  return Number.isSafeInteger(version) ? { name: group.slice(0, at), version } : { name: group, version: 0 }
}

/** No such agent, as far as a stream knows: it has no place there. */
export function unknownReader(group: string, { topic, partition }: TopicPartition): MillraceError {
  return new MillraceError('AGENT_UNKNOWN', `No agent ${group} reads partition ${partition} of topic '${topic}'.`, {
    fix: 'millrace agents lists those that there are, and what they read. One that is new has to run first.',
  })
}
