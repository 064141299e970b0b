import type { Clock } from '../clock.ts'
import { TokenBucket } from '../token-bucket.ts'
import type { Limits } from './limits.ts'
import { RateLimited } from './problem.ts'

/** Sources are known by their keys; without keys they are whatever a header says, so the table needs a bound of its own. */
const MAX_SOURCES = 10_000

/**
 * A token bucket for each source. How many data a batch holds is known only once it is read, so a source with tokens left may go
 * into debt by one request, and then waits until the debt is paid.
 */
export class RateLimit {
  readonly #buckets = new Map<string, TokenBucket>()
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
    const { left } = this.#of(source)
    if (left > 0) return
    throw new RateLimited(source, this.#perSecond, Math.max(1, Math.ceil((1 - left) / this.#perSecond)))
  }

  spend(source: string, data: number): void {
    this.#of(source).take(data)
  }

  #of(source: string): TokenBucket {
    let bucket = this.#buckets.get(source)
    if (bucket === undefined) {
      if (this.#buckets.size >= MAX_SOURCES) this.#forgetOldest()
      bucket = new TokenBucket(this.#perSecond, this.#clock, this.#burst)
      this.#buckets.set(source, bucket)
    }
    return bucket
  }

  #forgetOldest(): void {
    for (const source of this.#buckets.keys()) {
      this.#buckets.delete(source)
      return
    }
  }
}
