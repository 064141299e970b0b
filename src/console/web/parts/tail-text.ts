import type { TailCount } from '../../api/topics.ts'
import { countText } from './numbers.ts'

/** Says what a tail leaves out: `shows 50 of 4,210/s`; of those that match, where there are conditions; and how far it is behind. */
export function shareText({ shown, matched, seen, skipped, behind }: TailCount, filtered: boolean): string {
  const all = `${countText(seen + skipped)}/s`
  const share = filtered
    ? `shows ${countText(shown)} of ${countText(matched)}/s that match, of ${all}`
    : `shows ${countText(shown)} of ${all}`
  const unseen = filtered && skipped > 0 ? `, ${countText(skipped)} of them not looked at` : ''
  // What comes within a second is no way behind.
  return share + unseen + (behind > seen + skipped ? `; ${countText(behind)} to the end` : '')
}
