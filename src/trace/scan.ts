import { setImmediate, setTimeout } from 'node:timers/promises'
import { type DataId, formatId, ID_BYTES, parseId } from '../envelope/data-id.ts'
import { FrameCursor } from '../envelope/frame.ts'
import type { RecordBatch, Stream, TopicPartition } from '../stream/stream.ts'
import type { OutputRange, Position } from './trace.ts'

/** How much is read from the log in the first call, for what is looked for is mostly near; then twice as much in each, up to the last. */
const FIRST_READ_BYTES = 65_536
const LAST_READ_BYTES = 1_048_576

/** A question that has held the thread for so long lets others in. */
const TURN_MS = 10
/** Others that took so long in between have more to do. */
const BUSY_MS = 1
/** Then all questions together are away for so many times as long as they were at work: a fifth of a busy thread is theirs. */
const REST = 4
/** When the next of them may go on. Of all questions of the thread. */
let restsUntilMs = 0

/** What a question to the trace may cost: bytes read from the log, and look-ups by id. Shared by all steps of one question. */
export class Budget {
  #bytes: number
  #lookups: number
  #turnBeganMs = performance.now()
  #loop = performance.eventLoopUtilization()
  /** Something was left out because the budget, or another bound, was reached. */
  truncated = false

  constructor(bytes: number, lookups: number) {
    this.#bytes = bytes
    this.#lookups = lookups
  }

  get canRead(): boolean {
    if (this.#bytes > 0) return true
    this.truncated = true
    return false
  }

  /** Counts one look-up; false, and truncated, when there are none left. */
  lookup(): boolean {
    if (this.#lookups > 0) {
      this.#lookups--
      return true
    }
    this.truncated = true
    return false
  }

  spend(bytes: number): void {
    this.#bytes -= bytes
  }

  /**
   * An engine may answer in the same turn of the event loop: without a break the front end would wait for the whole question. What flows goes
   * first: where others had waited for the thread, they have it to themselves for a while.
   */
  async breathe(): Promise<void> {
    const endedMs = performance.now()
    if (endedMs - this.#turnBeganMs < TURN_MS) return
    // Without the time in which everybody waited, such as for an engine that is elsewhere.
    const workedMs = performance.eventLoopUtilization(this.#loop).active
    await setImmediate()
    if (performance.now() - endedMs > BUSY_MS) {
      restsUntilMs = Math.max(restsUntilMs, endedMs - workedMs) + (1 + REST) * workedMs
      await setTimeout(restsUntilMs - performance.now())
    }
    this.#turnBeganMs = performance.now()
    this.#loop = performance.eventLoopUtilization()
  }
}

/** A datum and where it is. Times are milliseconds since 1970 UTC. */
export interface Placed extends Position {
  readonly dataId: DataId
  readonly source: string
  readonly createdMs: number
}

/** A datum that was found in the log by its parents. */
export interface Child extends Placed {
  /** The datum whose handling made it. */
  readonly cause: DataId
  readonly parentCount: number
  /** It was derived from the datum asked for: as the one handled, or as part of its window. */
  readonly related: boolean
}

/**
 * Every derived datum of a range, and whether `dataId` is among its parents.
 * Stops at the budget; what retention has passed is not there any more and is skipped.
 */
export async function scanRange(view: Pick<Stream, 'read'>, range: OutputRange, dataId: DataId, budget: Budget): Promise<Child[]> {
  const id = parseId(dataId)
  const found: Child[] = []
  await eachFrame(view, range, range.first, range.end, budget, (cursor, offset, appendedMs) => {
    const parents = cursor.parents
    if (parents.length === 0) return true
    found.push({
      dataId: cursor.dataId,
      topic: range.topic,
      partition: range.partition,
      offset,
      source: cursor.source,
      createdMs: cursor.createdMs,
      appendedMs,
      cause: formatId(parents, 0),
      parentCount: cursor.parentCount,
      related: includesId(parents, id),
    })
    return true
  })
  return found
}

/** Visits the frames [first, end) of a partition, in order, until `visit` says false or the budget is spent. */
export async function eachFrame(
  view: Pick<Stream, 'read'>,
  place: TopicPartition,
  first: number,
  end: number,
  budget: Budget,
  visit: (cursor: FrameCursor, offset: number, appendedMs: number) => boolean,
): Promise<void> {
  if (first >= end) return
  for await (const batch of batchesFrom(view, place, first, budget)) {
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      const offset = batch.first + cursor.index
      if (offset < first) continue
      if (offset >= end || !visit(cursor, offset, batch.appendedMs)) return
    }
    if (batch.first + batch.count >= end) return
  }
}

/** A partition's batches from the one that holds `from` to the last there is, until the budget is spent. */
export async function* batchesFrom(
  view: Pick<Stream, 'read'>,
  place: TopicPartition,
  from: number,
  budget: Budget,
): AsyncGenerator<RecordBatch> {
  let next = from
  for (let bytes = FIRST_READ_BYTES; ; bytes = Math.min(LAST_READ_BYTES, bytes * 2)) {
    if (!budget.canRead) return
    await budget.breathe()
    const batch = await view.read(place.topic, place.partition, next, bytes)
    if (batch.count === 0) return
    budget.spend(batch.frames.byteLength)
    yield batch
    next = batch.first + batch.count
  }
}

function includesId(parents: Buffer, id: Buffer): boolean {
  for (let at = 0; at < parents.length; at += ID_BYTES) if (parents.compare(id, 0, ID_BYTES, at, at + ID_BYTES) === 0) return true
  return false
}
