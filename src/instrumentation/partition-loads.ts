import type { Standing } from '../engine/engine.ts'
import type { TopicPartition } from '../stream/stream.ts'
import type { Sample } from './sampler.ts'

/** Looks that make a measurement: a single one may have met a burst. */
const LOOKS = 5

/** What one partition brings an agent. */
export interface PartitionLoad extends TopicPartition {
  readonly arrivalPerSecond: number
  /** Data that wait in it, and how long the oldest has. */
  readonly backlog: number
  readonly lagMs: number
}

/** How much arrives in each partition, measured from look to look. */
export class PartitionLoads {
  /** The next offset of every partition, at the last looks. */
  readonly #arrivals: { readonly atMs: number; readonly next: ReadonlyMap<string, number> }[] = []

  /** Takes a look. */
  note({ atMs, topics }: Sample): void {
    if (this.#arrivals.at(-1)?.atMs === atMs) return
    const next = new Map(
      topics.flatMap(({ spec, bounds }) => bounds.map((at, partition) => [`${spec.name}/${partition}`, at.next] as const)),
    )
    this.#arrivals.push({ atMs, next })
    if (this.#arrivals.length > LOOKS + 1) this.#arrivals.shift()
  }

  /** The partitions that a group reads, in the order in which they are shared out; its replay topic's among them. */
  of(group: string, seen: Sample): readonly PartitionLoad[] {
    return inOrderOfSharing(
      seen.standings.filter(standing => standing.group === group),
      seen,
    ).map(({ topic, partition, next, checkpoint, oldestPendingMs = seen.atMs }) => ({
      topic,
      partition,
      arrivalPerSecond: this.#arrivalOf(`${topic}/${partition}`),
      backlog: Math.max(0, next - checkpoint.offset),
      lagMs: seen.atMs - oldestPendingMs,
    }))
  }

  /** Data a second, since the first look that is remembered. */
  #arrivalOf(place: string): number {
    const [first, last] = [this.#arrivals[0], this.#arrivals.at(-1)]
    if (first === undefined || last === undefined || last.atMs <= first.atMs) return 0
    const before = first.next.get(place)
    const now = last.next.get(place)
    return before === undefined || now === undefined ? 0 : (now - before) / ((last.atMs - first.atMs) / 1_000)
  }
}

/** As `engine/embedded/assignment.ts` puts them, that the sizing may see who gets which beside which. */
function inOrderOfSharing(rows: readonly Standing[], { topics }: Sample): readonly Standing[] {
  const partitions = new Map(topics.map(({ spec, bounds }) => [spec.name, bounds.length]))
  const place = ({ topic, partition }: Standing) => partition / (partitions.get(topic) ?? 1)
  return rows.toSorted((a, b) => place(a) - place(b) || (a.topic < b.topic ? -1 : 1))
}
