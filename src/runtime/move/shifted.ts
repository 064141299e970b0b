import type { Checkpoint } from '../../stream/stream.ts'

/**
 * A checkpoint in a log that begins where retention has come to in this one: there `base` is 0. Counts cover what lies before the new
 * beginning no more, so that the ledger goes on balanced; what has expired lies there for sure, of the rest nearly all is done.
 * `expired`: data between the place and the beginning that the group had not handled when they were deleted. They are counted as lost, as
 * the group itself would have done here (I7), and `first` lies by as many below 0: an alarm that only the move had seen would be none.
 */
export function shifted(checkpoint: Checkpoint, base: number): { readonly checkpoint: Checkpoint; readonly expired: number } {
  const offset = Math.max(0, checkpoint.offset - base)
  const first = Math.max(0, checkpoint.first - base)
  let before = checkpoint.offset - checkpoint.first - (offset - first)
  const less = (count: number) => {
    const taken = Math.min(count, before)
    before -= taken
    return count - taken
  }
  const lost = less(checkpoint.lost)
  const done = less(checkpoint.done)
  const duplicate = less(checkpoint.duplicate)
  const dead = less(checkpoint.dead)
  const expired = Math.max(0, base - checkpoint.offset)
  return {
    checkpoint: { offset, first: first - expired, done, dead, duplicate, lost: lost + expired, edition: checkpoint.edition },
    expired,
  }
}
