import type { DataId } from '../envelope/data-id.ts'
import type { RecordBatch } from '../stream/stream.ts'

/**
 * The trace: by data_id, who took a datum, who finished it, when. It says what is known, and holds nothing back: a claim
 * informs, only `dead` and `done` are skipped, so a lost trace costs work and never a datum.
 *
 * For an agent a datum is absent < claimed < dead < done. Marks only go up (I4); each states a fact that is already durable (I3, I6),
 * so anyone may write one, late or twice. Kept for a limited time (24 h by default).
 * Suite: `testing/trace-suite.ts`.
 */
export interface Trace {
  /**
   * Notes that an agent works on [from, first + count) of the batch, and says what was known of each datum before.
   * One call a batch. The same id several times in a batch: the first is claimed, the others are COPY, as void frames are.
   */
  claim(agent: AgentVersion, batch: RecordBatch, from: number, atMs: number): Promise<ClaimStates>

  /** Raises marks. Marking what is already as high changes nothing. Resolves when durable, where the trace is durable at all. */
  mark(agent: AgentVersion, marks: MarkBatch): Promise<void>

  /**
   * What is known of a datum, or undefined where it was never seen or is forgotten.
   * @param at one of its positions, where the caller knows it: a search is spared. One where it is not changes nothing.
   */
  find(dataId: DataId, at?: Pick<Position, 'topic' | 'partition' | 'offset'>): Promise<TraceRecord | undefined>

  close(): Promise<void>
}

export interface AgentVersion {
  readonly name: string
  readonly version: number
}

/** A trace of its own, beside a stream that knows nothing of it: what engines are put together from. */
export interface SharedTrace extends Trace {
  /**
   * Ties the trace to a log, before anything else is asked of it: what it knows of another log would let data be skipped that this one has not
   * handled. A trace that has lost everything is tied anew. @throws TRACE_MISMATCH
   */
  bind(logId: string): Promise<void>

  /** `replaced`: earlier versions whose place the agent has; what is terminal for one of them is so for it. */
  claim(
    agent: AgentVersion & { readonly replaced?: readonly number[] },
    batch: RecordBatch,
    from: number,
    atMs: number,
  ): Promise<ClaimStates>

  /**
   * What is known of ids that producers gave, as long as they are remembered: {@link UNKNOWN}, {@link SAME_SOURCE} or
   * {@link OTHER_SOURCE} for each frame with a supplied id, {@link UNKNOWN} for the others. Two who ask at once may both hear UNKNOWN.
   */
  known(frames: Uint8Array, count: number): Promise<Uint8Array>

  /** Remembers data that are durable in the stream, with their positions: `known` and `find` know of them from now on. */
  note(batch: RecordBatch): Promise<void>

  readonly cache: CacheStore
}

export const UNKNOWN = 0
export const SAME_SOURCE = 1
export const OTHER_SOURCE = 2

/**
 * The latest value of each key of each cache. It may lose everything: then it says so, and is filled again from the stream.
 */
export interface CacheStore {
  /**
   * Writes each value over a lower offset of the same partition, or another partition's; drops it otherwise.
   * @returns whether the cache was there: false where it was lost or never begun, and then nothing was written.
   */
  write(cache: string, writes: readonly CachedValue[]): Promise<boolean>
  /** Says that the cache is there from now on: all that it should hold was written with `begin`. */
  begin(cache: string, writes: readonly CachedValue[], complete: boolean): Promise<void>
  /** Every entry; undefined where the cache is not there. */
  view(cache: string): Promise<{ readonly revision: number; readonly entries: readonly CachedEntry[] } | undefined>
  /** One entry, or null where there is none; undefined where the cache is not there. */
  entry(cache: string, key: string): Promise<CachedEntry | null | undefined>
}

export interface CachedValue {
  readonly key: string
  /** JSON text. */
  readonly value: string
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly updatedMs: number
}

export interface CachedEntry {
  readonly key: string
  readonly value: string
  readonly updatedMs: number
  /** Rises with each write to the cache. */
  readonly revision: number
}

/** For each datum of the batch from `from` on, one of the codes below. */
export type ClaimStates = Uint8Array

/** Nobody has claimed it. */
export const FRESH = 0
/** Claimed before, not finished: whoever claimed it died, or works on it still. Work on it. */
export const AGAIN = 1
/** In the dead letters, at this position. Skip it; in a replay topic work on it. */
export const DEAD = 2
/** Done at this position. Skip it. */
export const DONE = 3
/** Dead or done at another position, or claimed earlier in this batch. Skip it and count a duplicate. */
export const COPY = 4

/** What became of positions of one partition. Ranges are [first, end). */
export interface MarkBatch {
  readonly topic: string
  readonly partition: number
  readonly done: readonly Range[]
  readonly dead: readonly DeadMark[]
  /** When the work was claimed and finished, milliseconds since 1970 UTC. */
  readonly claimedMs: number
  readonly finishedMs: number
  /** Data that needed more than one attempt, and how many. */
  readonly attempts: readonly { readonly offset: number; readonly attempts: number }[]
  /** 16 bytes for each datum marked: the ranges of `done` in their order, then `dead`. */
  readonly ids: Uint8Array
  /** Where this unit of work's outputs are, where the engine knows by now. */
  readonly outputs?: readonly OutputRange[]
}

export interface Range {
  readonly first: number
  readonly end: number
}

export interface DeadMark {
  readonly offset: number
  /** In one line, as in the dead letter. */
  readonly reason: string
}

export interface TraceRecord {
  readonly dataId: DataId
  /** Where it is in the stream; several where copies got in or it was replayed. */
  readonly positions: readonly Position[]
  readonly source: string
  readonly createdMs: number
  readonly parents: readonly DataId[]
  readonly marks: readonly Mark[]
}

export interface Position {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /** When it was accepted into the stream. */
  readonly appendedMs: number
}

export interface Mark extends AgentVersion {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly state: 'claimed' | 'dead' | 'done'
  readonly claimedMs: number
  readonly finishedMs?: number
  readonly attempts: number
  readonly reason?: string
  /** Where this unit of work's outputs are: this datum's are among them, known by their parents. */
  readonly outputs: readonly OutputRange[]
}

export interface OutputRange extends Range {
  readonly topic: string
  readonly partition: number
}
