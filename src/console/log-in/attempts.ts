import type { Clock } from '../../clock.ts'
import { MillraceError } from '../../errors.ts'

const WINDOW_MS = 60_000
const MOST_FAILURES = 10
const MOST_ADDRESSES = 10_000

/** Log-ins that failed, by the client's address: after ten in a minute the next that fails is told to wait. */
export class Attempts {
  readonly #clock: Clock
  readonly #failures = new Map<string, { count: number; sinceMs: number }>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @throws LOG_IN_LIMITED */
  check(address: string): void {
    if (this.#of(address).count < MOST_FAILURES) return
    throw new MillraceError('LOG_IN_LIMITED', `There were ${MOST_FAILURES} log-ins from ${address} in a minute that failed.`, {
      fix: 'Wait a minute.',
    })
  }

  failed(address: string): void {
    const failures = this.#of(address)
    failures.count++
    this.#failures.set(address, failures)
    if (this.#failures.size <= MOST_ADDRESSES) return
    for (const oldest of this.#failures.keys()) {
      this.#failures.delete(oldest)
      return
    }
  }

  #of(address: string): { count: number; sinceMs: number } {
    const now = this.#clock.now()
    const known = this.#failures.get(address)
    if (known !== undefined && now - known.sinceMs < WINDOW_MS) return known
    this.#failures.delete(address)
    return { count: 0, sinceMs: now }
  }
}
