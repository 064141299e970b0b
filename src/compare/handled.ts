import { isReplayTopic } from '../agents/dead-letter.ts'
import type { Standing } from '../engine/engine.ts'
import { ID_BYTES } from '../envelope/data-id.ts'
import { MillraceError } from '../errors.ts'
import { offsetSince } from '../stream/since.ts'
import type { TopicPartition } from '../stream/stream.ts'
import type { CompareOptions, CompareView } from './compare.ts'
import type { Side } from './sides.ts'

/** Data that are looked at; an entry of the map takes about 100 bytes, beside its outputs until they are compared. */
const MOST_DATA = 200_000

/** Positions that both have passed. */
export interface CommonRange extends TopicPartition {
  readonly first: number
  readonly end: number
}

/** What both have handled since, partition by partition. @throws USAGE where they read no topic in common */
export async function commonRanges(
  view: CompareView,
  one: Side,
  other: Side,
  standings: readonly Standing[],
  { sinceMs, most }: CompareOptions,
): Promise<readonly CommonRange[]> {
  const own = (side: Side) => standings.filter(({ group, topic }) => group === side.group && !isReplayTopic(topic))
  const shared = own(one).flatMap(a => {
    const b = own(other).find(({ topic, partition }) => topic === a.topic && partition === a.partition)
    return b === undefined ? [] : [{ a, b }]
  })
  if (shared.length === 0)
    throw new MillraceError('USAGE', `${one.group} and ${other.group} read no topic in common.`, {
      fix: 'Compare two versions of one agent.',
    })
  const share = most === undefined ? Number.POSITIVE_INFINITY : Math.ceil(most / shared.length)
  return Promise.all(
    shared.map(async ({ a, b }) => {
      const { topic, partition, first: retained, next } = a
      const since = await offsetSince(view, { topic, partition }, { first: retained, next }, sinceMs)
      const end = Math.min(a.checkpoint.offset, b.checkpoint.offset)
      const first = Math.max(a.checkpoint.first, b.checkpoint.first, since, end - share)
      return { topic, partition, first: Math.min(first, end), end }
    }),
  )
}

/** When the oldest of it was appended; undefined where there is nothing. */
export async function firstAppendedMs(view: CompareView, ranges: readonly CommonRange[]): Promise<number | undefined> {
  let oldest: number | undefined
  for (const { topic, partition, first, end } of ranges) {
    if (first === end) continue
    const { appendedMs, count } = await view.read(topic, partition, first, 1)
    if (count > 0) oldest = Math.min(oldest ?? appendedMs, appendedMs)
  }
  return oldest
}

/**
 * The ids of the data that are compared. Where they are too many, every second is let go, by its id, as often as needed: which are left does
 * not depend on the order in which they came, so a datum and its outputs on either side stay together.
 */
export class Handled {
  /** All, also those let go. */
  count = 0
  readonly #ids = new Set<string>()
  /** An id stays where these bits of its last four bytes, which are random or a hash in every kind of id, are 0. */
  #mask = 0

  get size(): number {
    return this.#ids.size
  }

  add(bytes: Buffer, at: number): void {
    this.count++
    if (!this.#stays(bytes, at)) return
    this.#ids.add(idText(bytes, at))
    while (this.#ids.size > MOST_DATA) this.halve()
  }

  has(id: string): boolean {
    return this.#ids.has(id)
  }

  /** Lets go of every second. @returns whether any is left that could be let go. */
  halve(): boolean {
    if (this.#ids.size <= 1) return false
    this.#mask = (this.#mask << 1) | 1
    for (const id of this.#ids) {
      const bytes = Buffer.from(id, 'latin1')
      if (!this.#stays(bytes, 0)) this.#ids.delete(id)
    }
    return true
  }

  #stays(bytes: Buffer, at: number): boolean {
    return (bytes.readUInt32LE(at + ID_BYTES - 4) & this.#mask) === 0
  }
}

/** An id as a map's key: its bytes as text. */
export function idText(bytes: Buffer, at: number): string {
  return bytes.toString('latin1', at, at + ID_BYTES)
}
