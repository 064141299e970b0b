import type { Clock } from '../clock.ts'
import type { Engine, UnitOfWork } from '../engine/engine.ts'
import { isMillraceError } from '../errors.ts'
import { backoffMs } from './retry.ts'

const MAX_IN_FLIGHT = 4
const HOLD = { backoffMs: 100, maxBackoffMs: 5_000 } as const

interface InFlight {
  readonly unit: UnitOfWork
  readonly sentMs: number
  readonly landed: (commitMs: number) => void
  /** `sent` until the engine answers, then `refused`; one that is committed leaves the queue. */
  state: 'sent' | 'refused'
  error: unknown
}

/**
 * The commits of one partition, in order, a few in flight at once. Each is computed on the offset of the one before, so when one is
 * refused those behind it are too, and nothing of them has happened.
 *
 * A unit that moves no offset (completions beyond a pending datum) is not refused with the one before it, and the next one's counts
 * would cover what was never stored: nothing is sent behind it.
 */
export class CommitQueue {
  readonly #engine: Pick<Engine, 'commit'>
  readonly #clock: Clock
  readonly #random: () => number
  readonly #changed: () => void
  readonly #lost: (error: unknown) => void
  #inFlight: InFlight[] = []
  #holds = 0
  #over = false

  /** @param lost is called once, when a commit was refused for good: nothing after it may be assumed. */
  constructor(options: {
    readonly engine: Pick<Engine, 'commit'>
    readonly clock: Clock
    readonly random: () => number
    readonly changed: () => void
    readonly lost: (error: unknown) => void
  }) {
    this.#engine = options.engine
    this.#clock = options.clock
    this.#random = options.random
    this.#changed = options.changed
    this.#lost = options.lost
  }

  /** Whether another unit may be sent now. Backpressure: nothing is fetched either while it may not. */
  get hasRoom(): boolean {
    const last = this.#inFlight.at(-1)
    return last === undefined || (this.#inFlight.length < MAX_IN_FLIGHT && this.#holds === 0 && moves(last.unit))
  }

  get idle(): boolean {
    return this.#inFlight.length === 0
  }

  /** Waiting for the disk or the writer, not for an answer. */
  get holding(): boolean {
    return this.#holds > 0 && this.#inFlight.every(entry => entry.state === 'refused')
  }

  send(unit: UnitOfWork, landed: (commitMs: number) => void): void {
    const entry: InFlight = { unit, sentMs: this.#clock.now(), landed, state: 'sent', error: undefined }
    this.#inFlight.push(entry)
    this.#commit(entry)
  }

  /** Forgets what is in flight: the lease is over. */
  discard(): void {
    this.#over = true
    this.#inFlight = []
  }

  #commit(entry: InFlight): void {
    entry.state = 'sent'
    this.#engine.commit(entry.unit).then(
      () => this.#answered(entry),
      error => this.#refused(entry, error),
    )
  }

  #answered(entry: InFlight): void {
    if (this.#over) return
    this.#inFlight = this.#inFlight.filter(other => other !== entry)
    this.#holds = 0
    entry.landed(this.#clock.now() - entry.sentMs)
    this.#review()
    this.#changed()
  }

  #refused(entry: InFlight, error: unknown): void {
    if (this.#over) return
    entry.state = 'refused'
    entry.error = error
    this.#review()
    this.#changed()
  }

  /** What stands first decides: those behind were refused because it was. */
  #review(): void {
    const first = this.#inFlight[0]
    if (first === undefined || first.state === 'sent') return
    if (!isMillraceError(first.error, 'DISK_FULL') && !isMillraceError(first.error, 'OVERLOADED')) {
      this.#over = true
      this.#lost(first.error)
      return
    }
    // One still on its way would meet the same unit sent again; wait for its answer.
    if (this.#inFlight.some(entry => entry.state === 'sent')) return
    this.#holds++
    this.#clock.after(backoffMs(HOLD, Math.min(this.#holds, 16), this.#random), () => {
      for (const entry of this.#over ? [] : this.#inFlight) this.#commit(entry)
    })
  }
}

function moves(unit: UnitOfWork): boolean {
  return unit.checkpoints.every(moved => moved.checkpoint.offset > moved.from)
}
