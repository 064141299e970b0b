import { ID_BYTES, idTimeMs, parseId } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import type { Bounds, GroupedStream, TopicPartition } from '../../stream/stream.ts'
import type { Position, SharedTrace, TraceRecord } from '../../trace/trace.ts'

/** An id's time against when it was appended: a producer that keeps its data for a while, clocks apart. */
const BEFORE_MS = 60_000
const AFTER_MS = 120_000
/** Bytes that one search reads at most, over all topics. */
const SCAN_BYTES = 64 * 1024 * 1024
const READ_BYTES = 1024 * 1024

/**
 * What is known of a datum: by the trace; and where no agent has taken it yet, by looking through the stream around the time that minted
 * and derived ids carry.
 */
export class Finder {
  readonly #stream: Pick<GroupedStream, 'topics' | 'bounds' | 'read' | 'appendedMs'>
  readonly #trace: Pick<SharedTrace, 'find'>

  constructor(stream: Pick<GroupedStream, 'topics' | 'bounds' | 'read' | 'appendedMs'>, trace: Pick<SharedTrace, 'find'>) {
    this.#stream = stream
    this.#trace = trace
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
    let left = SCAN_BYTES
    for (const { name } of await this.#stream.topics()) {
      if (name.startsWith('_')) continue
      for (const [partition, bounds] of (await this.#stream.bounds(name)).entries()) {
        const place = { topic: name, partition }
        for (let next = await this.#since(place, bounds, timeMs - BEFORE_MS); next < bounds.next && left > 0; ) {
          const batch = await this.#stream.read(name, partition, next, READ_BYTES)
          if (batch.count === 0 || batch.appendedMs > timeMs + AFTER_MS) break
          left -= batch.frames.length
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
  async #since({ topic, partition }: TopicPartition, { first, next }: Bounds, timeMs: number): Promise<number> {
    let low = first
    let high = next
    while (high - low > 1) {
      const middle = Math.floor((low + high) / 2)
      const appendedMs = await this.#stream.appendedMs(topic, partition, middle)
      if (appendedMs === undefined || appendedMs >= timeMs) high = middle
      else low = middle
    }
    return low
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
