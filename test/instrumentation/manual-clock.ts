import type { Clock } from '../../src/clock.ts'

/** Time that stands still until it is told to move; timers fire as it passes them. */
export class ManualClock implements Clock {
  #nowMs: number
  #timers: { atMs: number; fire: () => void }[] = []

  constructor(nowMs: number) {
    this.#nowMs = nowMs
  }

  now = (): number => this.#nowMs

  after = (ms: number, fire: () => void): (() => void) => {
    const timer = { atMs: this.#nowMs + ms, fire }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  sleep = (ms: number): Promise<void> => new Promise(resolve => this.after(ms, resolve))

  get timers(): number {
    return this.#timers.length
  }

  advance(ms: number): void {
    this.#nowMs += ms
    const due = this.#timers.filter(timer => timer.atMs <= this.#nowMs)
    this.#timers = this.#timers.filter(timer => timer.atMs > this.#nowMs)
    for (const timer of due) timer.fire()
  }
}
