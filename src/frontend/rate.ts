import type { Clock } from '../clock.ts'
import type { Limits } from './limits.ts'
import { RateLimited } from './problem.ts'

/** Sources are known by their keys; without keys they are whatever a header says, so the table needs a bound of its own. */
const MAX_SOURCES = 10_000

interface Bucket {
  tokens: number
  filledMs: number
}

/**
 * A token bucket for each source. How many data a batch holds is known only once it is read, so a source with tokens left may go
 * into debt by one request, and then waits until the debt is paid.
 */
export class RateLimit {
  readonly #buckets = new Map<string, Bucket>()
  readonly #clock: Clock
  readonly #perSecond: number
  readonly #burst: number

  constructor(limits: Limits, clock: Clock) {
    this.#clock = clock
    this.#perSecond = limits.ratePerSecond
    this.#burst = limits.rateBurst
  }

  /** @throws RateLimited where the source has no tokens left. */
  check(source: string): void {
    const bucket = this.#filled(source)
    if (bucket.tokens > 0) return
    throw new RateLimited(source, this.#perSecond, Math.max(1, Math.ceil((1 - bucket.tokens) / this.#perSecond)))
  }

  spend(source: string, data: number): void {
    this.#filled(source).tokens -= data
  }

  #filled(source: string): Bucket {
    const now = this.#clock.now()
    let bucket = this.#buckets.get(source)
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_SOURCES) this.#forgetOldest()
      bucket = { tokens: this.#burst, filledMs: now }
      this.#buckets.set(source, bucket)
    } else if (now > bucket.filledMs) {
      bucket.tokens = Math.min(this.#burst, bucket.tokens + ((now - bucket.filledMs) / 1000) * this.#perSecond)
      bucket.filledMs = now
    } else bucket.filledMs = now
    return bucket
  }

  #forgetOldest(): void {
    for (const source of this.#buckets.keys()) {
      this.#buckets.delete(source)
      return
    }
  }
}
