import type { Clock } from '../../clock.ts'
import { ID_BYTES, idTimeMs, parseId } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import type { Bounds, GroupedStream, TopicPartition } from '../../stream/stream.ts'
import type { Position, SharedTrace, TraceRecord } from '../../trace/trace.ts'

/** An id's time against when it was appended: a producer that keeps its data for a while, clocks apart. */
const BEFORE_MS = 60_000
const AFTER_MS = 120_000
/** What one search may cost, over all topics: bytes that are read, questions to the stream (some 30 find the time in one partition), and time. */
const SCAN_BYTES = 64 * 1024 * 1024
const SCAN_CALLS = 2_000
const SCAN_MS = 10_000
const READ_BYTES = 1024 * 1024

/** What a search has left. */
interface Budget {
  bytes: number
  calls: number
  readonly untilMs: number
}

/**
 * What is known of a datum: by the trace; and where no agent has taken it yet, by looking through the stream around the time that minted
 * and derived ids carry. A search is bounded: in a stream of very many partitions it may not come to the one that has the datum.
 */
export class Finder {
  readonly #stream: Pick<GroupedStream, 'topics' | 'bounds' | 'read' | 'appendedMs'>
  readonly #trace: Pick<SharedTrace, 'find'>
  readonly #clock: Pick<Clock, 'now'>

  constructor(
    stream: Pick<GroupedStream, 'topics' | 'bounds' | 'read' | 'appendedMs'>,
    trace: Pick<SharedTrace, 'find'>,
    clock: Pick<Clock, 'now'>,
  ) {
    this.#stream = stream
    this.#trace = trace
    this.#clock = clock
  }

  async find(dataId: string, at?: Pick<Position, 'topic' | 'partition' | 'offset'>): Promise<TraceRecord | undefined> {
    const known = await this.#trace.find(dataId, at)
    if (known !== undefined && known.positions.length > 0) return known
    const id = parseId(dataId)
    const found = (at === undefined ? undefined : await this.#at(id, at)) ?? (await this.#search(id))
    if (known === undefined || found === undefined) return known ?? found
    // A trace that keeps states alone says of a position only whether it is the one where a mark was made.
    const [place] = found.positions
    const placed = await this.#trace.find(dataId, place)
    const marks = (placed ?? known).marks.map(mark => (mark.offset < 0 && place !== undefined ? { ...mark, ...positionOf(place) } : mark))
    return { ...found, marks }
  }

  async #at(id: Buffer, at: Pick<Position, 'topic' | 'partition' | 'offset'>): Promise<TraceRecord | undefined> {
    const batch = await this.#stream.read(at.topic, at.partition, at.offset, 1)
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      if (batch.first + cursor.index === at.offset && isId(cursor, id))
        return recordOf(cursor, [{ ...at, appendedMs: batch.appendedMs }], at.topic)
    }
    return undefined
  }

  async #search(id: Buffer): Promise<TraceRecord | undefined> {
    const timeMs = idTimeMs(id, 0)
    const budget: Budget = { bytes: SCAN_BYTES, calls: SCAN_CALLS, untilMs: this.#clock.now() + SCAN_MS }
    for (const { name } of await this.#stream.topics()) {
      if (name.startsWith('_')) continue
      if (!this.#goesOn(budget)) return undefined
      for (const [partition, bounds] of (await this.#stream.bounds(name)).entries()) {
        const place = { topic: name, partition }
        for (let next = await this.#since(place, bounds, timeMs - BEFORE_MS, budget); next < bounds.next; ) {
          if (!this.#goesOn(budget)) return undefined
          const batch = await this.#stream.read(name, partition, next, READ_BYTES)
          if (batch.count === 0 || batch.appendedMs > timeMs + AFTER_MS) break
          budget.bytes -= batch.frames.length
          const cursor = new FrameCursor(batch.frames, batch.ascii)
          while (cursor.next()) {
            if (isId(cursor, id))
              return recordOf(cursor, [{ ...place, offset: batch.first + cursor.index, appendedMs: batch.appendedMs }], name)
          }
          next = batch.first + batch.count
        }
      }
    }
    return undefined
  }

  /** An offset at or before the first that was appended at or after a time, by halving: appends of one partition come in the order of time. */
  async #since({ topic, partition }: TopicPartition, { first, next }: Bounds, timeMs: number, budget: Budget): Promise<number> {
    let low = first
    let high = next
    while (high - low > 1 && this.#goesOn(budget)) {
      const middle = Math.floor((low + high) / 2)
      const appendedMs = await this.#stream.appendedMs(topic, partition, middle)
      if (appendedMs === undefined || appendedMs >= timeMs) high = middle
      else low = middle
    }
    return low
  }

  /** Counts a call that is about to be made. */
  #goesOn(budget: Budget): boolean {
    return budget.bytes > 0 && budget.calls-- > 0 && this.#clock.now() < budget.untilMs
  }
}

function positionOf({ topic, partition, offset }: Position) {
  return { topic, partition, offset }
}

function isId(cursor: FrameCursor, id: Buffer): boolean {
  return !cursor.isVoid && cursor.bytes.compare(id, 0, ID_BYTES, cursor.idAt, cursor.idAt + ID_BYTES) === 0
}

function recordOf(cursor: FrameCursor, positions: readonly Position[], topic: string): TraceRecord {
  const { dataId, source, createdMs, parents = [] } = cursor.envelope(topic)
  return { dataId, positions, source, createdMs, parents, marks: [] }
}
