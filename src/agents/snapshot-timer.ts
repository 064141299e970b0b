import type { Clock } from '../clock.ts'

/** The longest that anything folded goes without a snapshot. */
const MAX_MS = 3_600_000
/** Of the topic's retention: the log that a fold is rebuilt from must still be there. */
const RETENTION_SHARE = 1 / 4

/**
 * When a fold needs a snapshot although few data came: on a slow topic retention would take what it was folded from long before their
 * number makes one due, and after a crash the state would be that of the data that are left.
 */
export class SnapshotTimer {
  readonly #clock: Clock
  readonly #ms: number
  readonly #changed: () => void
  #cancel: (() => void) | undefined
  #late = false

  /** @param changed told when it is late. */
  constructor(clock: Clock, retentionMs: number, changed: () => void) {
    this.#clock = clock
    this.#ms = Math.min(MAX_MS, Math.ceil(retentionMs * RETENTION_SHARE))
    this.#changed = changed
  }

  get late(): boolean {
    return this.#late
  }

  /** Something is folded that no snapshot has. The first call since {@link stop} counts. */
  start(): void {
    this.#cancel ??= this.#clock.after(this.#ms, () => {
      this.#late = true
      this.#changed()
    })
  }

  /** A snapshot has everything, or none is wanted any more. */
  stop(): void {
    this.#cancel?.()
    this.#cancel = undefined
    this.#late = false
  }
}
