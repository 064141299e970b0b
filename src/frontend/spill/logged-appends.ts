import type { Clock } from '../../clock.ts'

/** Counts what is on its way into the log, so that the log is left only when nothing is. */
export class LoggedAppends {
  readonly #clock: Clock
  #count = 0
  #onIdle: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  get isIdle(): boolean {
    return this.#count === 0
  }

  async run<T>(append: () => Promise<T>): Promise<T> {
    this.#count++
    try {
      return await append()
    } finally {
      if (--this.#count === 0) this.#onIdle?.()
    }
  }

  /** Resolves with whether there is none, after `ms` at most: a disk may hang. */
  async idle(ms: number): Promise<boolean> {
    if (this.#count === 0) return true
    await new Promise<void>(resolve => {
      const cancel = this.#clock.after(ms, resolve)
      this.#onIdle = () => {
        cancel()
        resolve()
      }
    })
    this.#onIdle = undefined
    return this.#count === 0
  }
}
