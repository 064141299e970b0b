import type { EngineView } from '../../engine/engine.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { MillraceError } from '../../errors.ts'
import { partitionOfKey } from '../../stream/partition.ts'
import { offsetSince } from '../../stream/since.ts'
import type { TopicPartition } from '../../stream/stream.ts'
import { Budget } from '../../trace/scan.ts'
import type { ShownDatum } from '../api/topics.ts'
import type { ShownData } from '../masked.ts'
import { datumToJson, filteredOf } from '../shown.ts'
import type { Filter } from '../tap/filter.ts'
import { cursorText, type Ends, endsOf } from './search-cursor.ts'

/** What one search reads at most, and for how long it looks. */
const MAX_BYTES = 16_777_216
const MAX_MS = 2_000
/** Of one partition at a time, backwards: so many data at first, then as many as make about so many bytes. */
const FIRST_STEP = 16
const STEP_BYTES = 262_144
const MAX_STEP = 16_384
/** A search in more places than this would begin to cost before it has looked at anything. */
const MAX_PLACES = 1_024

export interface SearchAsked {
  /** The topics to look in. */
  readonly topics: readonly string[]
  readonly source?: string
  readonly key?: string
  /** Appended at or after, and before: milliseconds since 1970 UTC. */
  readonly fromMs?: number
  readonly toMs?: number
  readonly filter?: Filter
  readonly limit: number
  /** Where the search before this one stopped. */
  readonly before?: string
}

export interface Found {
  readonly data: readonly ShownDatum[]
  readonly lookedAt: number
  /** Where it stopped before it had seen everything. */
  readonly more: string | undefined
}

/** A partition, looked through from its end. */
interface Place extends TopicPartition {
  readonly first: number
  /** Everything from here on has been looked at. */
  end: number
  step: number
  /** When the last batch that was looked at was appended: what is before it is older. */
  frontierMs: number
  /** What was found and is not given yet, the newest first. */
  readonly found: ShownDatum[]
  /** Retention, the time asked for, or the beginning: there is nothing more. */
  over: boolean
}

/**
 * Looks through topics from their ends on, the newest first over all partitions, until there is enough, or one search's work is done; the next one
 * goes on from there. @param see what people may see of a datum of a topic. @throws TOPIC_UNKNOWN; QUERY_INVALID
 */
export async function search(
  view: Pick<EngineView, 'read' | 'bounds'>,
  asked: SearchAsked,
  see: (cursor: FrameCursor, topic: string) => ShownData,
): Promise<Found> {
  const places = await placesOf(view, asked)
  const budget = new Budget(MAX_BYTES, Number.MAX_SAFE_INTEGER)
  const untilMs = performance.now() + MAX_MS
  const data: ShownDatum[] = []
  let lookedAt = 0
  for (;;) {
    give(places, data, asked.limit)
    const next = newest(places)
    if (next === undefined || data.length >= asked.limit) break
    // One step is always made, or a search might never get on.
    if (lookedAt > 0 && (!budget.canRead || performance.now() > untilMs)) break
    lookedAt += await lookBack(view, next, asked, see, budget)
  }
  return { data, lookedAt, more: places.some(place => !place.over || place.found.length > 0) ? cursorText(endsIn(places)) : undefined }
}

async function placesOf(view: Pick<EngineView, 'read' | 'bounds'>, { topics, key, toMs, before }: SearchAsked): Promise<Place[]> {
  const ends = before === undefined ? undefined : endsOf(before)
  const places: Place[] = []
  for (const topic of topics) {
    const bounds = await view.bounds(topic)
    for (const [partition, at] of bounds.entries()) {
      if (key !== undefined && partition !== partitionOfKey(key, bounds.length)) continue
      if (places.length >= MAX_PLACES)
        throw new MillraceError('QUERY_INVALID', `There are more than ${MAX_PLACES} partitions to look in.`, {
          fix: 'Name a topic, or a key.',
        })
      const last = ends?.[topic]?.[partition] ?? (toMs === undefined ? at.next : await offsetSince(view, { topic, partition }, at, toMs))
      const end = Math.min(at.next, last)
      places.push({ topic, partition, first: at.first, end, step: FIRST_STEP, frontierMs: Infinity, found: [], over: end <= at.first })
    }
  }
  return places
}

/** The one whose next datum may be the newest of all that nobody has looked at. */
function newest(places: readonly Place[]): Place | undefined {
  let best: Place | undefined
  for (const place of places) if (!place.over && (best === undefined || place.frontierMs > best.frontierMs)) best = place
  return best
}

/** Gives what is found for as long as nothing newer may turn up. */
function give(places: readonly Place[], data: ShownDatum[], limit: number): void {
  const frontierMs = newest(places)?.frontierMs ?? Number.NEGATIVE_INFINITY
  while (data.length < limit) {
    let best: Place | undefined
    for (const place of places) if (place.found.length > 0 && (best === undefined || appendedMs(place) > appendedMs(best))) best = place
    if (best === undefined || appendedMs(best) < frontierMs) return
    data.push(best.found.shift()!)
  }
}

function appendedMs({ found: [first] }: Place): number {
  return first === undefined ? Number.NEGATIVE_INFINITY : Date.parse(first.appended)
}

/** Looks at the data before those that were looked at. @returns how many those are. */
async function lookBack(
  view: Pick<EngineView, 'read'>,
  place: Place,
  asked: SearchAsked,
  see: (cursor: FrameCursor, topic: string) => ShownData,
  budget: Budget,
): Promise<number> {
  const { topic, partition, end } = place
  const first = Math.max(place.first, end - place.step)
  const found: ShownDatum[] = []
  let isCut = false
  let bytes = 0
  let frontierMs = place.frontierMs
  for (let next = first; next < end; ) {
    // One batch at a time: several together have the time of the first of them.
    const batch = await view.read(topic, partition, next, 1)
    if (batch.count === 0) break
    if (next === first) frontierMs = batch.appendedMs
    bytes += batch.frames.byteLength
    await budget.breathe()
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      const offset = batch.first + cursor.index
      if (offset < next || offset >= end || cursor.isVoid || batch.appendedMs < (asked.fromMs ?? 0)) continue
      const datum = match(cursor, { topic, partition, offset, appendedMs: batch.appendedMs }, asked, see)
      if (datum !== undefined) found.unshift(datum)
      if (found.length <= asked.limit) continue
      found.pop()
      isCut = true
    }
    next = batch.first + batch.count
  }
  budget.spend(bytes)
  place.found.push(...found)
  // There was more than enough: it is looked at again by whoever goes on from here.
  const oldest = isCut ? found.at(-1) : undefined
  place.frontierMs = oldest === undefined ? frontierMs : Date.parse(oldest.appended)
  place.end = oldest?.offset ?? first
  place.over = place.end <= place.first || place.frontierMs < (asked.fromMs ?? 0)
  place.step = Math.min(MAX_STEP, Math.max(1, Math.floor((STEP_BYTES * (end - first)) / Math.max(1, bytes))))
  return end - first
}

function match(
  cursor: FrameCursor,
  at: { readonly topic: string; readonly partition: number; readonly offset: number; readonly appendedMs: number },
  { source, key, filter }: SearchAsked,
  see: (cursor: FrameCursor, topic: string) => ShownData,
): ShownDatum | undefined {
  // Cheap questions first: a datum is decoded where it may be the one.
  if ((source !== undefined && cursor.source !== source) || (key !== undefined && cursor.key !== key)) return undefined
  const shown = see(cursor, at.topic)
  // A key that is hidden is not to be guessed.
  if (key !== undefined && shown.key !== key) return undefined
  if (filter?.(filteredOf(cursor, shown)) === false) return undefined
  return datumToJson(cursor, at, shown)
}

/** In each place, what has neither been given nor been looked at in vain begins below. */
function endsIn(places: readonly Place[]): Ends {
  const ends = new Map<string, number[]>()
  for (const { topic, partition, end, found, over } of places) {
    const offsets = ends.get(topic) ?? []
    const [first] = found
    offsets[partition] = first === undefined ? (over ? 0 : end) : first.offset + 1
    ends.set(topic, offsets)
  }
  return Object.fromEntries(ends)
}
