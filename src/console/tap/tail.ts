import { setImmediate } from 'node:timers/promises'
import type { EngineView } from '../../engine/engine.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import type { Bounds, RecordBatch } from '../../stream/stream.ts'
import type { TokenBucket } from '../../token-bucket.ts'
import type { ShownDatum, TailCount } from '../api/topics.ts'
import type { ShownData } from '../masked.ts'
import { datumToJson, filteredOf } from '../shown.ts'
import type { Filter } from './filter.ts'

/** Read from the log in one go. */
const READ_BYTES = 262_144

export interface TailOptions {
  readonly topic: string
  /** Where to begin in each partition. */
  readonly from: readonly number[]
  /** Where the topic ended when the tail began: up to there nothing is left out. */
  readonly ends: readonly number[]
  readonly filter: Filter | undefined
  /** Data that may be shown, and bytes that may be read. */
  readonly rate: TokenBucket
  readonly bytes: TokenBucket
  /** What people may see of a datum. */
  readonly see: (cursor: FrameCursor) => ShownData
  readonly show: (datum: ShownDatum) => void
  /** Whether the reader takes anything at the moment. */
  readonly canShow: () => boolean
}

/**
 * A topic as somebody watches it: a look at a time, each bounded by what may be read and shown. What was there before is shown whole, however
 * long it takes. What comes is shown as far as the rate allows; where more comes than may be read it jumps to the end, and says how much that was.
 */
export class Tail {
  readonly #options: TailOptions
  readonly #next: number[]
  #counted = { shown: 0, matched: 0, seen: 0, skipped: 0 }
  #behind = 0

  constructor(options: TailOptions) {
    this.#options = options
    this.#next = [...options.from]
  }

  /** Looks for what is there since the last time. @throws what the engine throws; the next look goes on from where this one came. */
  async look(view: Pick<EngineView, 'read' | 'bounds'>): Promise<void> {
    const bounds = await view.bounds(this.#options.topic)
    for (const [partition, at] of bounds.entries()) {
      // Retention has passed what nobody has looked at.
      if (this.#at(partition) < at.first) this.#skipTo(partition, at.first)
      if (this.#at(partition) < at.next) await this.#read(view, partition, at)
    }
    this.#behind = bounds.reduce((sum, at, partition) => sum + Math.max(0, at.next - this.#at(partition)), 0)
  }

  /** What became of the data since it was asked last. */
  count(): TailCount {
    const counted = { ...this.#counted, behind: this.#behind }
    this.#counted = { shown: 0, matched: 0, seen: 0, skipped: 0 }
    return counted
  }

  async #read(view: Pick<EngineView, 'read'>, partition: number, { next }: Bounds): Promise<void> {
    const { topic, bytes } = this.#options
    while (this.#at(partition) < next) {
      const isPast = this.#at(partition) < (this.#options.ends[partition] ?? 0)
      // What was there before waits until there is room for it; what comes does not.
      if (isPast && (bytes.left <= 0 || !this.#hasRoom())) return
      if (bytes.left <= 0) return this.#skipTo(partition, next)
      const batch = await view.read(topic, partition, this.#at(partition), READ_BYTES)
      if (batch.count === 0) return
      bytes.take(batch.frames.byteLength)
      this.#visit(batch, isPast)
      // An engine may answer in the same turn of the event loop: the front end is to get its turn, too.
      await setImmediate()
    }
  }

  #visit(batch: RecordBatch, isPast: boolean): void {
    const { ends, filter } = this.#options
    const { partition } = batch
    const from = this.#at(partition)
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      const offset = batch.first + cursor.index
      // The batch that holds the offset may begin before it.
      if (offset < from) continue
      const room = this.#hasRoom()
      if (isPast && offset < (ends[partition] ?? 0) && !room) return
      this.#next[partition] = offset + 1
      if (cursor.isVoid) continue
      this.#counted.seen++
      // Decoding is what costs: a datum that is neither judged nor shown is counted alone.
      if (filter === undefined && !room) this.#counted.matched++
      else this.#judge(batch, cursor, offset, room)
    }
    this.#next[partition] = Math.max(this.#at(partition), batch.first + batch.count)
  }

  #judge({ topic, partition, appendedMs }: RecordBatch, cursor: FrameCursor, offset: number, room: boolean): void {
    const { filter, rate, see, show } = this.#options
    const shown = see(cursor)
    if (filter?.(filteredOf(cursor, shown)) === false) return
    this.#counted.matched++
    if (!room) return
    this.#counted.shown++
    rate.take(1)
    show(datumToJson(cursor, { topic, partition, offset, appendedMs }, shown))
  }

  #skipTo(partition: number, offset: number): void {
    this.#counted.skipped += offset - this.#at(partition)
    this.#next[partition] = offset
  }

  #hasRoom(): boolean {
    return this.#options.rate.left >= 1 && this.#options.canShow()
  }

  #at(partition: number): number {
    return this.#next[partition] ?? 0
  }
}
