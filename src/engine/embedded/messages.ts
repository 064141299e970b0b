import type { DeadLetter } from '../../agents/dead-letter.ts'
import type { PortableError } from '../../errors.ts'
import type { Checkpoint, Group, Start, TopicSpec } from '../../stream/stream.ts'
import type { AgentVersion, MarkBatch, Range } from '../../trace/trace.ts'
import type { CacheWrite } from '../engine.ts'

/*
 * What goes between a client and the writer. All bytes of a message lie in one ArrayBuffer, its *arena*, which is transferred:
 * measured, one buffer a message is cheaper than several, and than shared memory. Partitions go by their place's number.
 *
 * Beside it goes a header of its batches, BATCH_FIELDS numbers each; requests refer to batches by their index.
 */
export const BATCH_FIELDS = 5
/** Of a batch's fields: its place, how many data, whether all is ASCII, where its frames lie in the arena, and how many bytes. */
export const PLACE = 0
export const COUNT = 1
export const ASCII = 2
export const AT = 3
export const LENGTH = 4

/** Bytes in the message's arena. */
export interface Slice {
  readonly at: number
  readonly length: number
}

/** Batches [from, from + count) of the message's header. */
export interface Batches {
  readonly from: number
  readonly count: number
}

export interface ToWriter {
  readonly id: number
  readonly arena: ArrayBuffer
  /** The first `appends` batches are to be appended for themselves, the others belong to units. */
  readonly header: Int32Array<ArrayBuffer>
  readonly appends: number
  readonly requests: readonly Request[]
}

/** A request; its answer stands at the same index in {@link Reply.results}. */
export type Request =
  | { readonly kind: 'ensure'; readonly specs: readonly TopicSpec[] }
  | { readonly kind: 'join'; readonly member: number; readonly group: Group; readonly topics: readonly string[]; readonly start: Start }
  | { readonly kind: 'leave'; readonly member: number }
  | { readonly kind: 'commit'; readonly unit: PackedUnit }
  | { readonly kind: 'mark'; readonly agent: AgentVersion; readonly marks: PackedMarks }
  | { readonly kind: 'claim'; readonly agent: AgentVersion; readonly claim: PackedClaim }
  | { readonly kind: 'wake'; readonly place: number; readonly beyond: number }
  | { readonly kind: 'replay'; readonly letters: readonly number[]; readonly by: string }
  | { readonly kind: 'discard'; readonly letters: readonly number[]; readonly by: string }
  | { readonly kind: 'edit'; readonly letter: number; readonly frame: Slice; readonly by: string }
  | { readonly kind: 'replay-data'; readonly agent: AgentVersion; readonly place: number; readonly ranges: readonly Range[] }
  | { readonly kind: 'expire'; readonly letters: readonly number[]; readonly diedBeforeMs: number }
  /** Answered when everything before it, claims too, is in the database. */
  | { readonly kind: 'barrier' }

export interface PackedUnit {
  readonly member: number
  readonly generation: number
  readonly agent?: AgentVersion
  readonly outputs: Batches
  readonly letters: readonly PackedLetter[]
  readonly marks: readonly PackedMarks[]
  readonly cache: readonly PackedCacheWrite[]
  readonly snapshots: readonly PackedSnapshot[]
  readonly moves: readonly PackedMove[]
}

export interface PackedMarks extends Omit<MarkBatch, 'topic' | 'partition' | 'ids' | 'outputs'> {
  readonly place: number
}

export interface PackedClaim {
  readonly place: number
  readonly first: number
  readonly end: number
  readonly atMs: number
}

export interface PackedLetter extends Omit<DeadLetter, 'topic' | 'partition' | 'frame'> {
  readonly place: number
  readonly frame: Slice
}

export interface PackedCacheWrite extends Omit<CacheWrite, 'topic' | 'partition'> {
  readonly place: number
}

export interface PackedSnapshot {
  readonly group: string
  readonly place: number
  readonly offset: number
  readonly bytes: Slice
}

export interface PackedMove {
  readonly place: number
  readonly from: number
  readonly checkpoint: Checkpoint
}

/** What the writer sends after a group: answers, then news. */
export interface FromWriter {
  readonly replies: readonly Reply[]
  readonly news?: News
}

export interface Reply {
  readonly id: number
  /** For each appended batch its first offset and how many were stored, alternating. Empty where the message failed. */
  readonly appended: Float64Array<ArrayBuffer>
  /** Only those that something is to be said about. */
  readonly exceptions: readonly AppendException[]
  readonly results: readonly Result[]
  /** Nothing of the message was done, or it is not known: the error's code says which. */
  readonly failure?: PortableError
}

export interface AppendException {
  readonly batch: number
  readonly duplicates: readonly number[]
  readonly taken: readonly number[]
  readonly error?: PortableError
}

/** `value` is what the request's kind gives: letters for those that change letters, counts for a replay of data, nothing for the others. */
export type Result = { readonly value?: readonly number[] } | { readonly error: PortableError }

export interface News {
  /** Members whose lease has ended. */
  readonly ended: readonly number[]
  readonly leases: readonly GrantedLease[]
  /** Places that have grown beyond what the client waited for. */
  readonly grown: readonly number[]
  /** The writer cannot go on. */
  readonly failed?: PortableError
}

export interface GrantedLease {
  readonly member: number
  readonly generation: number
  readonly edition: number
  readonly assigned: readonly { readonly place: number; readonly checkpoint: Checkpoint }[]
}

/** One end of the way between a client and the writer: a MessagePort, or nothing at all in one thread. */
export interface Link<Out, In> {
  post(message: Out, transfer: ArrayBuffer[]): void
  /** Messages wait until there is someone to listen. */
  listen(onMessage: (message: In) => void, onClose: () => void): void
  close(): void
}
