import type { Way } from '../../objectives/way.ts'
import type { AnyAgent } from '../../pipeline.ts'
import { isOver } from '../../versions/fold.ts'
import type { Sample } from '../sampler.ts'

/** Points that are kept: for a long objective they lie further apart. */
const POINTS = 120
const SHORTEST_STEP_MS = 1_000

/**
 * What waits on the way of an objective for longer than that leaves time: where a topic ended so long ago is remembered, and what an agent has not
 * committed of that is overdue. Looked at whenever the engine has been asked; what becomes overdue in between is seen at the next look.
 */
export class Overdue {
  readonly #stepMs: number
  readonly #keepMs: number
  /** By topic, the next offset of each partition. */
  readonly #ends: { readonly atMs: number; readonly next: ReadonlyMap<string, readonly number[]> }[] = []

  /** @param longestMs the longest that anybody will ask back. */
  constructor(longestMs: number) {
    this.#keepMs = longestMs
    this.#stepMs = Math.max(SHORTEST_STEP_MS, longestMs / POINTS)
  }

  note({ atMs, topics }: Pick<Sample, 'atMs' | 'topics'>): void {
    const last = this.#ends.at(-1)
    if (last !== undefined && atMs - last.atMs < this.#stepMs) return
    this.#ends.push({ atMs, next: new Map(topics.map(({ spec, bounds }) => [spec.name, bounds.map(({ next }) => next)])) })
    // The last one that is old enough is needed, and those after it.
    while (this.#ends[1] !== undefined && this.#ends[1].atMs <= atMs - this.#keepMs) this.#ends.shift()
  }

  /** How many data wait for the agents on the way for longer than `withinMs`, in the topics that they read on it. */
  of({ through }: Way, withinMs: number, agents: ReadonlyMap<string, AnyAgent>, sample: Sample): number {
    const then = this.#ends.findLast(({ atMs }) => atMs <= sample.atMs - withinMs)
    if (then === undefined) return 0
    let overdue = 0
    for (const [id, topics] of through) {
      if (isOver(sample.ended, id)) continue
      const rows = sample.standings.filter(({ group }) => group === id)
      if (rows.some(({ replacedBy }) => replacedBy !== undefined)) continue
      for (const topic of topics) {
        const bounds = sample.topics.find(({ spec }) => spec.name === topic)?.bounds ?? []
        then.next.get(topic)?.forEach((end, partition) => {
          const committed = rows.find(row => row.topic === topic && row.partition === partition)?.checkpoint.offset
          // One that has no place yet will begin at the beginning, or does not want these.
          const from = committed ?? (agents.get(id)?.start === 'earliest' ? 0 : end)
          overdue += Math.max(0, end - Math.max(from, bounds[partition]?.first ?? 0))
        })
      }
    }
    return overdue
  }
}
