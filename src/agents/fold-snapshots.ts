import type { Clock } from '../clock.ts'
import type { Snapshot } from '../engine/engine.ts'
import { failpoint } from '../engine/failpoint.ts'
import type { TopicPartition } from '../stream/stream.ts'
import type { Fold } from './fold.ts'
import { SnapshotTimer } from './snapshot-timer.ts'

/** From here on a snapshot is waited for: nothing new is begun until everything in hand is finished. */
const OVERDUE = 4

/** The snapshots of one partition's fold: due after so many data and after so much time, and taken only where the commit that carries them stands. */
export class FoldSnapshots {
  readonly #fold: Fold
  readonly #agent: string
  readonly #group: string
  readonly #place: TopicPartition
  readonly #timer: SnapshotTimer

  /** @param of.agent `name@version`. @param of.changed told when one is late. */
  constructor(
    fold: Fold,
    of: {
      readonly agent: string
      readonly group: string
      readonly place: TopicPartition
      readonly clock: Clock
      readonly retentionMs: number
      readonly changed: () => void
    },
  ) {
    this.#fold = fold
    this.#agent = of.agent
    this.#group = of.group
    this.#place = of.place
    this.#timer = new SnapshotTimer(of.clock, of.retentionMs, of.changed)
  }

  /** Called now and then: what is folded from now on has so long. */
  watch(): void {
    if (this.#fold.changed) this.#timer.start()
  }

  get late(): boolean {
    return this.#timer.late
  }

  get overdue(): boolean {
    return this.#timer.late || this.#fold.mustSave || this.#fold.snapshotDue >= OVERDUE
  }

  /** Whether one may go with a commit of this offset: everything folded is finished, for a snapshot must not be ahead of it. What has expired is not folded. */
  mayGoWith(offset: number): boolean {
    return this.#fold.changed && this.#fold.offset <= offset
  }

  /** Whether a commit of this offset has to wait: it must carry one, and something folded is not finished. */
  holdsBack(offset: number): boolean {
    return this.#fold.mustSave && !this.mayGoWith(offset)
  }

  /** The one that goes with a commit of this offset, where it may and is due; `now`: whether due or not. @throws TypeError where a value cannot be kept. */
  take(offset: number, now: boolean): Snapshot[] {
    const fold = this.#fold
    if (!this.mayGoWith(offset) || !(now || this.#timer.late || fold.mustSave || fold.snapshotDue >= 1)) return []
    let bytes: Uint8Array
    try {
      bytes = fold.snapshot()
    } catch (cause) {
      throw new TypeError(`agent '${this.#agent}': ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
    fold.snapshotTaken()
    this.#timer.stop()
    failpoint('in-snapshot')
    const { topic, partition } = this.#place
    return [{ group: this.#group, topic, partition, offset: fold.offset, bytes }]
  }

  stop(): void {
    this.#timer.stop()
  }
}
