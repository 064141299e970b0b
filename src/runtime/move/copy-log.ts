import { hasSupplied } from '../../envelope/frame.ts'
import { MillraceError } from '../../errors.ts'
import { inLanes } from '../../storage/formats/lanes.ts'
import { cut } from '../../stream/cut.ts'
import { knownRange } from '../../stream/known-range.ts'
import type { Bounds, RecordBatch, TopicPartition, TopicSpec } from '../../stream/stream.ts'
import { idsOf } from './ids-of.ts'
import type { Moving } from './moving.ts'
import { ShiftedRecords } from './shifted-records.ts'

const LANES = 4
const READ_BYTES = 4 * 1024 * 1024
/** So many ids are compared at either end of what is there. */
const COMPARED = 2_000

/** A partition that is moved: what the source retains of it lies at the target from 0 on. */
export interface MovedPlace extends TopicPartition {
  readonly base: number
  readonly next: number
}

/** The partitions of topics, as the source has them. */
export async function placesOf({ source }: Pick<Moving, 'source'>, topics: readonly TopicSpec[]): Promise<MovedPlace[]> {
  const places: MovedPlace[] = []
  for (const { name } of topics) {
    for (const [partition, { first, next }] of (await source.bounds(name)).entries())
      places.push({ topic: name, partition, base: first, next })
  }
  return places
}

/**
 * Copies the log, each partition in its order, its frames untouched but for records of offsets; goes on behind what is there, once that is known to be the same data.
 * Ids that producers gave are noted in the trace, so that what they send again is a duplicate there too.
 * @throws MOVE_REFUSED where the target holds something else.
 */
export async function copyLog(moving: Moving, places: readonly MovedPlace[]): Promise<void> {
  const records = new ShiftedRecords(places)
  await inLanes(places, LANES, place => copyPartition(moving, place, records))
}

async function copyPartition(moving: Moving, place: MovedPlace, records: ShiftedRecords): Promise<void> {
  const { source, stream, trace } = moving
  const { topic, partition, base, next } = place
  const there = await targetBounds(moving, place)
  await compare(moving, place, there.next)
  for await (const found of knownRange(source, place, { first: base, end: next }, { readBytes: READ_BYTES, signal: moving.signal })) {
    moving.signal.throwIfAborted()
    const batch = records.of(found)
    const at = batch.first - base
    const from = Math.max(at, there.next)
    // What is there of it ends within a batch where the append before was cut off.
    if (at + batch.count > from) await append(moving, place, cut(batch, base + from, next))
    // Also of what was there: the copying may have ended between the two.
    if (hasSupplied(batch.frames)) await trace.note({ ...batch, first: at })
    moving.moved(batch.count)
  }
  const [after] = [(await stream.bounds(topic))[partition]]
  if (after?.next !== next - base) throw differs(place, `ends at offset ${after?.next}, not at ${next - base}`)
}

async function append(
  { stream }: Moving,
  place: MovedPlace,
  { topic, partition, frames, count, ascii, first }: RecordBatch,
): Promise<void> {
  const [appended] = await stream.append([{ topic, partition, frames, count, ascii }])
  if (appended?.first !== first - place.base) throw differs(place, `took offset ${first - place.base} as ${appended?.first}`)
}

async function targetBounds({ stream }: Moving, place: MovedPlace): Promise<Bounds> {
  const bounds = (await stream.bounds(place.topic))[place.partition]
  if (bounds === undefined) throw differs(place, 'is not there')
  if (bounds.first > 0) throw differs(place, `begins at offset ${bounds.first}`)
  if (bounds.next > place.next - place.base) throw differs(place, `has ${bounds.next} data, the data directory ${place.next - place.base}`)
  return bounds
}

/** Whether the first `count` data at the target are the source's, by their ids at either end. @throws MOVE_REFUSED */
export async function compare({ source, stream }: Moving, place: MovedPlace, count: number): Promise<void> {
  for (const from of new Set([0, Math.max(0, count - COMPARED)])) {
    const end = Math.min(count, from + COMPARED)
    const [there, here] = [await idsOf(stream, place, from, end), await idsOf(source, place, place.base + from, place.base + end)]
    if (!there.equals(here)) throw differs(place, `has other data between offsets ${from} and ${end}`)
  }
}

function differs({ topic, partition }: TopicPartition, how: string): MillraceError {
  return new MillraceError(
    'MOVE_REFUSED',
    `Topic '${topic}', partition ${partition}, on the stream ${how}: it is not what this move has put there.`,
    {
      fix: 'Stop whatever writes there, delete the topics that the move has made, and move again.',
    },
  )
}
