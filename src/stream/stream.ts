/**
 * The stream: durable, partitioned topics that many agents read at their own pace. A message bus and nothing else.
 *
 * An offset is a whole number below 2^53 (at a billion data a day, 24,000 years of one partition), counted from 0 in each
 * partition without gaps. All methods may be called from several callers at once; each resolves in its own time.
 * Suite: `testing/stream-suite.ts`.
 */
export interface Stream {
  readonly capabilities: StreamCapabilities

  /** Names this log, and another one after it was made anew: offsets of logs with different names have nothing to do with each other. */
  readonly logId?: string

  /** Makes the topics that are missing and checks the others. @throws TOPIC_MISMATCH naming the difference; nothing is changed then. */
  ensure(topics: readonly TopicSpec[]): Promise<void>

  /**
   * Appends each batch to its partition, whole and in the order given; resolves when all of it is durable (I1). Batches for
   * different partitions are not atomic together.
   * @throws TOPIC_UNKNOWN (also a partition out of range): nothing was appended.
   * @throws DISK_FULL, OVERLOADED: nothing was appended; send again later.
   * @throws APPEND_UNKNOWN: it may be there or not; send again, copies are recognised by their ids.
   */
  append(batches: readonly AppendBatch[]): Promise<Appended[]>

  /** Joins a group. The group's partitions of `topics` are shared among its members; where it has no checkpoint it begins at `start`. */
  subscribe(group: Group, topics: readonly string[], start: Start): Subscription

  /**
   * Whole record batches from the one that holds `from`, as one (its `first` may lie below `from`: skip up to it), at most about
   * `maxBytes` but never less than one. Empty (`count` 0, `first` = from) at the end. No group, no waiting: for taps, folds, rolls, lineage.
   * Where retention has passed `from`, the first batch that is left; where it has left none, empty with `first` = the next offset.
   * @throws LOG_CORRUPT naming topic, partition and offset when a checksum does not hold.
   */
  read(topic: string, partition: number, from: number, maxBytes: number): Promise<RecordBatch>

  /** Every topic there is, internal ones (their names begin with `_`) among them. */
  topics(): Promise<TopicSpec[]>

  /** For each partition: the first offset that is retained and the next that will be given. @throws TOPIC_UNKNOWN */
  bounds(topic: string): Promise<Bounds[]>

  /** Ends every lease, makes what was appended durable, and lets go. Calls after it throw ENGINE_CLOSED. */
  close(): Promise<void>
}

export interface StreamCapabilities {
  /** The same supplied id is refused at append while the id index remembers it. Where false, a copy can get into the log and the claim recognises it. */
  readonly refusesCopies: boolean
  /**
   * The same datum may be in the log several times: sent again after its fate was unknown, or written by two who both took themselves
   * for the owner. Who reads recognises copies by their ids. Where false, a datum has one position, and nobody need look.
   */
  readonly holdsCopies: boolean
  /** The largest datum that an append takes, framed; undefined where nothing but memory limits it. An ensure() of topics that take less lowers it. */
  readonly maxDatumBytes?: number
}

export interface TopicSpec {
  readonly name: string
  readonly partitions: number
  /** What is older than this may be deleted, read or not (I7). Infinity: nothing is, by its age. */
  readonly retentionMs: number
  /** What exceeds this, over all partitions, may be deleted, oldest first. */
  readonly retentionBytes?: number
  /** Of data with one key only the last is kept for sure; what was before it may be gone, and leaves void positions. */
  readonly compacted?: true
}

/** Data for one partition, framed (`envelope/frame.ts`). The bytes belong to the stream once given: do not touch them again. */
export interface AppendBatch {
  readonly topic: string
  readonly partition: number
  readonly frames: Uint8Array
  readonly count: number
  /** Every data byte is below 128. */
  readonly ascii: boolean
}

export interface Appended {
  /** Offset of the first datum stored; the others follow it without gaps. */
  readonly first: number
  /** How many were stored. */
  readonly count: number
  /** Indexes in the batch that were not stored: the source has sent this id before. */
  readonly duplicates: readonly number[]
  /** Indexes in the batch that were not stored: another source has used this id. */
  readonly taken: readonly number[]
}

/**
 * Bytes of many data, framed once and never re-encoded: what the front end appends is what an agent decodes. One frame for each offset;
 * where the log has an offset that holds no datum (a transaction's marker, what compaction took) the frame is void.
 */
export interface RecordBatch {
  readonly topic: string
  readonly partition: number
  readonly first: number
  readonly count: number
  readonly frames: Uint8Array
  readonly ascii: boolean
  /** When the oldest of it was appended, milliseconds since 1970 UTC; 0 in an empty batch. */
  readonly appendedMs: number
}

export interface Bounds {
  readonly first: number
  readonly next: number
}

export interface TopicPartition {
  readonly topic: string
  readonly partition: number
}

/** Who reads: one group for each agent@version. */
export interface Group {
  readonly name: string
  /** Carried in the checkpoint and in derived ids. Its version, unless it replaces another: then that one's. */
  readonly edition: number
  /**
   * The group whose place and edition this one takes over, in one step with its end: the old group's leases are lost and it gets
   * no others. Nothing happens where this group has checkpoints of its own already, or the old one has none.
   */
  readonly replaces?: string
  /** On a lease: the groups whose place this one has, the latest first. Their marks count as its own. */
  readonly line?: readonly string[]
}

/** Where a group without a checkpoint begins. A time is milliseconds since 1970 UTC: the first datum appended at or after it. */
export type Start = 'earliest' | 'latest' | { readonly timeMs: number }

/**
 * Where a group stands in one partition, committed as one. The ledger (docs/guarantees.md): offset − first = done + dead +
 * duplicate + lost. Counts are cumulative and cover exactly [first, offset).
 */
export interface Checkpoint {
  /** Every datum below it is done or dead, here or at another position (I2). */
  readonly offset: number
  /** Where the group began in this partition. */
  readonly first: number
  readonly done: number
  readonly dead: number
  /** Skipped: done or dead at another position. */
  readonly duplicate: number
  /** Expired by retention before it was handled (I7): an alarm. */
  readonly lost: number
  readonly edition: number
  /** A roll that has begun: exactly [first, end) is being written. A new owner finishes it before anything else. */
  readonly intent?: { readonly first: number; readonly end: number }
  /** Where in the group's snapshots the last one of this partition begins, on an engine that keeps them in the stream. */
  readonly snapshot?: number
  /**
   * Somebody has set the offset by hand, so that counting began anew at `first`; windows and states are those of all data before it still,
   * and come from the last snapshot at or below the offset, or else from the data since this offset.
   */
  readonly foldFrom?: number
}

/** A group's place in one partition, as committed. */
export interface Place extends TopicPartition {
  readonly group: string
  readonly checkpoint: Checkpoint
  /** Taken over by a group that replaces it: its place is kept and no longer moves. */
  readonly replacedBy?: string
}

/** A stream that engines are put together from: it also says where every group stands, to whoever asks. */
export interface GroupedStream extends Stream {
  readonly logId: string
  /** Of every group that has committed, in any order. */
  places(): Promise<Place[]>
  /**
   * When the datum at an offset was appended, or where retention has passed that the first that is left; undefined at the end. Milliseconds
   * since 1970 UTC. Far cheaper than {@link Stream.read}: no datum is unpacked for it.
   * @throws TOPIC_UNKNOWN
   */
  appendedMs(topic: string, partition: number, offset: number): Promise<number | undefined>
}

/**
 * Membership in a group. Yields a lease each time the group's partitions are shared out anew; the one before has ended by then.
 * Closing gives the partitions back to the group.
 */
export interface Subscription extends AsyncIterable<Lease> {
  close(): Promise<void>
}

/** One assignment of partitions to one member. When it ends, nothing more of it is accepted: the stream fences, not the trace. */
export interface Lease {
  /** The group's edition as committed: what derived ids are made with. */
  readonly group: Group
  readonly partitions: readonly Assigned[]
  /** Aborts when the lease may have ended: discard what is not committed. */
  readonly signal: AbortSignal
  /**
   * The next data of a partition from an offset, as {@link Stream.read} gives them, waiting until there are some, or until it is known
   * that retention has taken them (empty, `first` beyond `from`). Not calling it is backpressure, for that partition alone. Resolves
   * to undefined when the lease ends.
   */
  fetch(place: TopicPartition, from: number, maxBytes: number): Promise<RecordBatch | undefined>
  /**
   * Moves checkpoints. @throws LEASE_LOST: the lease has ended, and this call will move nothing more. Nothing has moved, unless an attempt went
   * unanswered before: where the group stands, the next lease says. Other errors: each of them has moved or not; the same ones may be
   * committed again while the lease stands.
   */
  commit(checkpoints: readonly Moved[]): Promise<void>
}

export interface Assigned extends TopicPartition {
  /** Read after the assignment. */
  readonly checkpoint: Checkpoint
}

/** A checkpoint's move. `from` is the committed offset that it was computed on; where that differs the whole commit is LEASE_LOST. */
export interface Moved extends TopicPartition {
  readonly from: number
  readonly checkpoint: Checkpoint
}
