import type { Checkpoint } from './stream.ts'

/** Where a group begins: nothing is counted yet. */
export function begun(offset: number, edition: number): Checkpoint {
  return { offset, first: offset, done: 0, dead: 0, duplicate: 0, lost: 0, edition }
}

/** The same where somebody has set the offset by hand: what the topic has from `first` on still counts for windows and states. */
export function begunByHand(offset: number, edition: number, first: number): Checkpoint {
  const checkpoint = begun(offset, edition)
  return first < offset ? { ...checkpoint, foldFrom: first } : checkpoint
}
