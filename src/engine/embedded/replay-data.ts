import { isReplayTopic, replayTopicSpec } from '../../agents/dead-letter.ts'
import { FATES, type Fate, NO_FATES } from '../../agents/replay.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { retype } from '../../envelope/retype.ts'
import type { Checkpoint } from '../../stream/stream.ts'
import type { AgentVersion, Range } from '../../trace/trace.ts'
import { agentOf, groupName, unknownReader } from '../engine.ts'
import type { PackedMarks } from './messages.ts'
import type { Tables } from './tables.ts'
import type { PlacedRange } from './trace-rows.ts'

/** One transaction puts about so much again at most. */
const MAX_BYTES = 4 * 1024 * 1024

/** Who reads what is put again, and how far it is. */
interface Reader {
  readonly group: string
  /** Its own trace and that of those whose place it has. */
  readonly line: readonly number[]
  readonly checkpoint: Checkpoint
  /** Its replay topic, and how far it has read it. */
  readonly place: number
  readonly read: number
}

/** Where data are read, and where they come from: elsewhere where they have been put again before. */
interface From {
  readonly place: number
  readonly origin: number
  /** From an offset of `place` to the same datum's in `origin`. */
  readonly shift: number
}

/**
 * Puts data of a place into an agent's replay topic, in the order of their offsets, but for what is left out. Within a transaction, so that what
 * is decided here is still so when it is written.
 * @returns how many had each of {@link FATES}, in their order; the first offset that was not looked at; the replay topic's place, and its end.
 */
export function replayData(tables: Tables, agent: AgentVersion, place: number, ranges: readonly Range[]): readonly number[] {
  const reader = readerOf(tables, agent, place)
  const counts: Record<Fate, number> = { replayed: 0, done: 0, dead: 0, ahead: 0, waiting: 0, gone: 0 }
  let next = ranges[0]?.first ?? 0
  let bytes = 0
  for (const range of ranges) {
    for (next = range.first; next < range.end && bytes < MAX_BYTES; ) {
      const looked = lookAt(tables, reader, { place, origin: place, shift: 0 }, { first: next, end: range.end }, counts)
      bytes += looked.bytes
      next = looked.next
    }
    if (bytes >= MAX_BYTES) break
  }
  return [...FATES.map(fate => counts[fate]), next, reader.place, tables.log.next(reader.place)]
}

/**
 * What waits in the replay topic of a version that is replaced, from an offset on, goes to the one that has its place now: nobody reads it there
 * any more. It is taken from there: the topic that it is from may have expired since.
 */
export function replayWaiting(tables: Tables, group: string, replays: number, from: number): void {
  // Put there in this very transaction, some of it may be in no row yet.
  tables.log.write(replays)
  for (const { place, at, first, end } of tables.origins.within(replays, { first: from, end: Number.MAX_SAFE_INTEGER })) {
    const reader = readerOf(tables, agentOf(group), place)
    const until = at + end - first
    const put = { place: replays, origin: place, shift: first - at }
    for (let next = at; next < until; ) next = lookAt(tables, reader, put, { first: next, end: until }, { ...NO_FATES }).next
  }
}

/** What became of positions of a replay topic, where their data come from: a letter's has its letter to say so. */
export function markOrigins(tables: Tables, agent: number, marks: PackedMarks, outputs: readonly PlacedRange[]): void {
  if (!isReplayTopic(tables.catalog.at(marks.place).topic)) return
  const nothing = { ...marks, done: [], dead: [], attempts: [] }
  for (const range of marks.done) {
    for (const { place, first, end } of tables.origins.within(marks.place, range))
      tables.trace.mark(agent, { ...nothing, place, done: [{ first, end }] }, outputs)
  }
  for (const { offset, reason } of marks.dead) {
    const origin = tables.origins.of(marks.place, offset)
    if (origin !== undefined) tables.trace.mark(agent, { ...nothing, place: origin.place, dead: [{ offset: origin.offset, reason }] }, [])
  }
}

function readerOf(tables: Tables, agent: AgentVersion, place: number): Reader {
  const group = tables.checkpoints.holderOf(groupName(agent))
  const row = tables.checkpoints.group(group)
  const checkpoints = row === undefined ? undefined : tables.checkpoints.of(row)
  const replays = tables.catalog.findTopic(replayTopicSpec(agentOf(group)).name)?.[0]?.place
  const [checkpoint, read] = [checkpoints?.get(place), replays === undefined ? undefined : checkpoints?.get(replays)]
  if (checkpoint === undefined || replays === undefined || read === undefined) throw unknownReader(group, tables.catalog.at(place))
  return { group, line: tables.replayState.line(group), checkpoint, place: replays, read: read.offset }
}

/** Looks at the data from the range's beginning to the end of one read of the log at most. */
function lookAt(
  tables: Tables,
  reader: Reader,
  { place, origin, shift }: From,
  range: Range,
  counts: Record<Fate, number>,
): { readonly next: number; readonly bytes: number } {
  const at = tables.catalog.at(place)
  const batch = tables.reader.read(at, range.first, 1)
  const first = Math.min(range.end, Math.max(range.first, batch.first))
  counts.gone += first - range.first
  const end = Math.min(range.end, batch.first + batch.count)
  if (batch.count === 0 || end <= first) {
    counts.gone += batch.count === 0 ? range.end - first : 0
    return { next: batch.count === 0 ? range.end : first, bytes: 0 }
  }
  const come = { place: origin, first: first + shift, end: end + shift }
  const fates = tables.replayState.fates(reader, come, origin === place ? undefined : { place, first })
  const frames: Uint8Array[] = []
  let run: Range | undefined
  let bytes = 0
  const flush = () => {
    if (run === undefined) return
    const to = tables.log.append(reader.place, Buffer.concat(frames.splice(0)), run.end - run.first, false)
    tables.origins.add(reader.place, to, { place: origin, first: run.first + shift, end: run.end + shift })
    run = undefined
  }
  const cursor = new FrameCursor(batch.frames)
  while (cursor.next()) {
    const offset = batch.first + cursor.index
    if (offset < first || offset >= end) continue
    const fate = cursor.isVoid ? 'gone' : fates[offset - first]!
    counts[fate]++
    if (fate !== 'replayed') {
      flush()
      continue
    }
    // One that has been put again says already what it is.
    const frame = retype(cursor.frame, at.topic)
    frames.push(frame)
    bytes += frame.length
    run = { first: run?.first ?? offset, end: offset + 1 }
  }
  flush()
  return { next: end, bytes }
}
