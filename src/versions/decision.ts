import type { TopicSpec } from '../stream/stream.ts'

/** What was decided about versions while they run: read before anything runs, followed by every process, kept as the record of who did it. */
export const VERSIONS: TopicSpec = { name: '_versions', partitions: 1, retentionMs: Number.POSITIVE_INFINITY }

interface Recorded {
  /** Who decided it, as their machine knows them. */
  readonly by: string
  readonly atMs: number
}

/** One entry of the record. What it comes to is said by its place in the log (`fold.ts`): of two that exclude each other the first counts. */
export type Decision =
  /** A version that ran as a shadow takes over the place and the edition of version `replaces`, and writes to the live topics. */
  | ({ readonly kind: 'promote'; readonly agent: string; readonly version: number; readonly replaces: number } & Recorded)
  /** An agent ends. With `until` only once it has handled everything below those offsets, by topic and partition. */
  | ({ readonly kind: 'decommission'; readonly group: string; readonly until?: Offsets } & Recorded)
  /** The agent stands at or beyond the offsets of the decommission that stands at `of` in this log. Said by whoever sees it, several times. */
  | { readonly kind: 'drained'; readonly group: string; readonly of: number; readonly atMs: number }
  /** The share of the keys, 0 to 1, that a version gets of the one whose place it is to take over. */
  | ({ readonly kind: 'ramp'; readonly agent: string; readonly version: number; readonly share: number } & Recorded)
  /** It goes on from its place after all. */
  | ({ readonly kind: 'recommission'; readonly group: string } & Recorded)
  /** The agent takes nothing more until it is resumed, in whatever process: its place is kept, and what comes waits for it. */
  | ({ readonly kind: 'pause'; readonly group: string } & Recorded)
  | ({ readonly kind: 'resume'; readonly group: string } & Recorded)

/** By topic, by partition; of the stream that the record is in: a move writes them anew. */
export type Offsets = Readonly<Record<string, readonly number[]>>
