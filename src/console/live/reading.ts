import type { LedgerRow } from '../../instrumentation/ledger.ts'
import type { TopicSample } from '../../instrumentation/sampler.ts'
import type { Reading } from '../api/overview.ts'
import { rounded } from './rounded.ts'

/** How far an agent is in a topic. @param rows its places there. */
export function readingOf(rows: readonly LedgerRow[], topic: TopicSample | undefined, perSecond: number): Reading {
  return {
    lag: rows.reduce((sum, row) => sum + row.behind, 0),
    lag_seconds: rounded(Math.max(0, ...rows.map(row => row.lagMs)) / 1_000),
    per_second: rounded(perSecond),
    full: topic === undefined ? 0 : rounded(Math.max(0, ...rows.map(row => fullOf(row, topic)))),
  }
}

/**
 * How near a place is to losing what waits there: the larger of two shares. By age, that of the oldest datum that waits in what the topic
 * keeps. By size, what came since that datum, in the whole topic, of what the topic may hold; it is deleted oldest first, so the share of the
 * partition that waits stands for that of the topic. Where the stream does not tell its size, age alone counts.
 */
function fullOf(row: LedgerRow, { spec, bounds, bytes }: TopicSample): number {
  if (row.expired > 0) return 1
  const at = bounds[row.partition]
  const retained = at === undefined ? 0 : at.next - at.first
  const waiting = retained === 0 ? 0 : Math.min(1, row.behind / retained)
  const byAge = row.lagMs / spec.retentionMs
  const bySize = bytes === undefined || spec.retentionBytes === undefined ? 0 : (waiting * bytes) / spec.retentionBytes
  return Math.min(1, Math.max(byAge, bySize))
}
