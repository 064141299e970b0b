import type { TopicSpec } from '../../stream/stream.ts'

/** Kept until a person discards them, and after that as the record that they did. */
export const LETTERS: TopicSpec = { name: '_letters', partitions: 1, retentionMs: Number.POSITIVE_INFINITY }

/** Folds' snapshots: of each place the last few. */
export const SNAPSHOTS: TopicSpec = { name: '_snapshots', partitions: 8, retentionMs: Number.POSITIVE_INFINITY, compacted: true }

const CACHE_PREFIX = '_cache.'

/** Every write to a cache, of each key the last: what a cache store that has lost everything is filled from. */
export function cacheTopic(cache: string): TopicSpec {
  return { name: `${CACHE_PREFIX}${cache}`, partitions: 4, retentionMs: Number.POSITIVE_INFINITY, compacted: true }
}
