import type { Clock } from '../clock.ts'
import { type Duration, durationMs } from '../duration.ts'

/** A fixed beginning, so that what a test sees does not depend on when it runs. */
const START_MS = Date.UTC(2026, 0, 1)

interface Timer {
  readonly atMs: number
  /** Timers of one moment fire in the order in which they were set. */
  readonly turn: number
  readonly fire: () => void
}

/** Time that stands still until it is moved. */
export class VirtualClock implements Clock {
  readonly #settle: () => Promise<void>
  #nowMs: number
  #turn = 0
  #timers: Timer[] = []
  #chores: Timer[] = []

  /** @param settle waits until everything has happened that can before time passes; called before each step. */
  constructor(options: { readonly startMs?: number; readonly settle?: () => Promise<void> } = {}) {
    this.#nowMs = options.startMs ?? START_MS
    this.#settle = options.settle ?? (() => Promise.resolve())
  }

  now(): number {
    return this.#nowMs
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        cancel()
        reject(signal?.reason)
      }
      const cancel = this.after(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  after(ms: number, fire: () => void): () => void {
    const timer: Timer = { atMs: this.#nowMs + Math.max(0, ms), turn: this.#turn++, fire }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** Lets time pass: every timer that comes due fires at its own moment, and what follows from it happens before the next. */
  async advance(by: Duration): Promise<void> {
    const endMs = this.#nowMs + durationMs(by, 'advance')
    for (;;) {
      await this.#settle()
      const next = this.#next(endMs)
      if (next === undefined) break
      this.#timers = this.#timers.filter(timer => timer !== next)
      this.#nowMs = Math.max(this.#nowMs, next.atMs)
      next.fire()
    }
    this.#nowMs = endMs
    const due = this.#chores.filter(chore => chore.atMs <= endMs)
    this.#chores = this.#chores.filter(chore => chore.atMs > endMs)
    for (const chore of due) chore.fire()
    await this.#settle()
  }

  /**
   * The same time for an engine's upkeep (retention, checkpoints): what comes due runs once, when time has been moved. A week would
   * otherwise be 60,000 sweeps with nothing to sweep.
   */
  get background(): Clock {
    return {
      now: () => this.#nowMs,
      sleep: (ms, signal) => this.sleep(ms, signal),
      after: (ms, fire) => {
        const chore: Timer = { atMs: this.#nowMs + ms, turn: this.#turn++, fire }
        this.#chores.push(chore)
        return () => {
          this.#chores = this.#chores.filter(other => other !== chore)
        }
      },
    }
  }

  #next(endMs: number): Timer | undefined {
    let next: Timer | undefined
    for (const timer of this.#timers) {
      if (timer.atMs > endMs) continue
      if (next === undefined || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.turn < next.turn)) next = timer
    }
    return next
  }
}
