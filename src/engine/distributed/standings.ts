import type { Bounds, GroupedStream, Place } from '../../stream/stream.ts'
import type { Standing } from '../engine.ts'

/** Reads under way at once, to learn since when something waits. */
const READS_AT_ONCE = 8

/** Where every group stands, beside the bounds of its partitions. */
export class Standings {
  readonly #stream: Pick<GroupedStream, 'places' | 'bounds' | 'appendedMs'>
  /** When the datum at a place's offset was appended: it does not change while the place does not move. */
  #pending = new Map<string, number>()

  constructor(stream: Pick<GroupedStream, 'places' | 'bounds' | 'appendedMs'>) {
    this.#stream = stream
  }

  async all(): Promise<Standing[]> {
    const places = await this.#stream.places()
    const topics = [...new Set(places.map(({ topic }) => topic))]
    const bounds = new Map(await Promise.all(topics.map(async topic => [topic, await this.#stream.bounds(topic)] as const)))
    const standings = places.flatMap(place => {
      const at = bounds.get(place.topic)?.[place.partition]
      return at === undefined ? [] : [{ ...place, ...at }]
    })
    const pending = await this.#pendingSince(standings.filter(isBehind))
    return standings
      .map(standing => {
        const since = isBehind(standing) ? pending.get(keyOf(standing)) : undefined
        return since === undefined ? standing : { ...standing, oldestPendingMs: since }
      })
      .sort((a, b) => a.group.localeCompare(b.group) || a.topic.localeCompare(b.topic) || a.partition - b.partition)
  }

  async #pendingSince(behind: readonly (Place & Bounds)[]): Promise<ReadonlyMap<string, number>> {
    const since = new Map<string, number>()
    const missing = new Map<string, Place & Bounds>()
    for (const place of behind) {
      const known = this.#pending.get(keyOf(place))
      if (known === undefined) missing.set(keyOf(place), place)
      else since.set(keyOf(place), known)
    }
    const queue = [...missing]
    const reader = async () => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const [key, { topic, partition, checkpoint, first }] = next
        // What retention has passed is no longer there to wait: the oldest that is left does.
        const appendedMs = await this.#stream.appendedMs(topic, partition, Math.max(checkpoint.offset, first))
        if (appendedMs !== undefined) since.set(key, appendedMs)
      }
    }
    await Promise.all(Array.from({ length: READS_AT_ONCE }, reader))
    this.#pending = since
    return since
  }
}

function isBehind({ checkpoint, next, replacedBy }: Place & Bounds): boolean {
  return checkpoint.offset < next && replacedBy === undefined
}

function keyOf({ topic, partition, checkpoint, first }: Place & Bounds): string {
  return `${topic}/${partition}/${Math.max(checkpoint.offset, first)}`
}
