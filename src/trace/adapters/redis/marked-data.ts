import type { MarkBatch } from '../../trace.ts'

/** A batch of marks one by one, in the order of its ids: first what is done, then what is dead. */
export interface MarkedData {
  readonly offsets: readonly number[]
  /** How many of them are done. */
  readonly done: number
  /** Of the dead ones, in their order. */
  readonly reasons: readonly string[]
  readonly attempts: ReadonlyMap<number, number>
}

export function markedData(marks: MarkBatch): MarkedData {
  const offsets: number[] = []
  for (const { first, end } of marks.done) for (let offset = first; offset < end; offset++) offsets.push(offset)
  const done = offsets.length
  for (const { offset } of marks.dead) offsets.push(offset)
  return {
    offsets,
    done,
    reasons: marks.dead.map(({ reason }) => reason),
    attempts: new Map(marks.attempts.map(({ offset, attempts }) => [offset, attempts])),
  }
}
