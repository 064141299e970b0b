import { setTimeout as sleep } from 'node:timers/promises'

/** The front ends that a producer knows. They take turns; one that is away, or asks for time, is left out meanwhile and the others go on. */
export class FrontEnds {
  readonly #urls: readonly string[]
  readonly #pausedUntilMs = new Map<string, number>()
  #turn = 0

  constructor(urls: readonly string[]) {
    this.#urls = urls
  }

  /** The one whose turn it is; waits while all of them are paused. */
  async next(): Promise<string> {
    for (;;) {
      const nowMs = performance.now()
      const ready = this.#urls.filter(url => this.#untilMs(url) <= nowMs)
      if (ready.length > 0) return ready[this.#turn++ % ready.length]!
      await sleep(Math.min(...this.#urls.map(url => this.#untilMs(url))) - nowMs)
    }
  }

  pause(url: string, ms: number): void {
    this.#pausedUntilMs.set(url, performance.now() + ms)
  }

  #untilMs(url: string): number {
    return this.#pausedUntilMs.get(url) ?? 0
  }
}
