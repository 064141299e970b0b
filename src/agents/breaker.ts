import type { Clock } from '../clock.ts'
import type { BreakerPolicy } from './policies.ts'

const MAX_PAUSE_MS = 600_000

/**
 * The circuit breaker of one agent, over all its partitions here (https://martinfowler.com/bliki/CircuitBreaker.html). Without it a handler that fails on
 * everything, for a setting or a release that is wrong, would move its whole stream into the dead letters.
 *
 *   closed → open                 too many of the last data failed for good
 *   open → trying                 the pause has passed: one datum may run
 *   trying → closed               it was done: all others follow
 *   trying → open                 it failed, and is a dead letter: a run of bad data is got over one by one
 */
export class Breaker {
  readonly #policy: BreakerPolicy | undefined
  readonly #clock: Clock
  readonly #report: (reason: string | undefined) => void
  readonly #listeners = new Set<() => void>()
  #state: 'closed' | 'open' | 'trying' = 'closed'
  /** Whether the datum that is tried has begun. */
  #tried = false
  #pauses = 0
  /** The last outcomes, the oldest overwritten: true where the datum failed. */
  readonly #outcomes: boolean[] = []
  #at = 0
  #failures = 0
  #cancel: () => void = () => undefined

  /** @param policy undefined: it never opens. @param report told why the agent is paused, and with undefined when it goes on. */
  constructor(policy: BreakerPolicy | undefined, clock: Clock, report: (reason: string | undefined) => void) {
    this.#policy = policy
    this.#clock = clock
    this.#report = report
  }

  /** Whether another datum may begin. */
  get lets(): boolean {
    return this.#state === 'closed' || this.tries
  }

  /** Whether the next datum that begins is the one that is tried. */
  get tries(): boolean {
    return this.#state === 'trying' && !this.#tried
  }

  /** Whether time has to pass before anything begins. */
  get paused(): boolean {
    return this.#state === 'open'
  }

  /** Whether a datum that fails for good is a dead letter now. One that was in hand when it opened is not: it waits with the others. */
  get buries(): boolean {
    return this.#state !== 'open'
  }

  /** @param changed called when more data may begin. @returns what ends it. */
  listen(changed: () => void): () => void {
    this.#listeners.add(changed)
    return () => this.#listeners.delete(changed)
  }

  /** A datum begins. @returns whether it is the one that is tried. */
  begins(): boolean {
    if (!this.tries) return false
    this.#tried = true
    return true
  }

  /** The datum that was tried is let go of, with its lease: another may be tried in its place. */
  letGo(): void {
    this.#tried = false
  }

  done(): void {
    if (this.#state === 'closed') this.#note(false)
    else if (this.#state === 'trying') this.#close()
  }

  /** A datum failed for good. */
  failed(error: unknown): void {
    if (this.#policy === undefined) return
    if (this.#state === 'trying') this.#open(this.#policy, error)
    else if (this.#state === 'closed') {
      this.#note(true)
      if (this.#outcomes.length === this.#policy.of && this.#failures >= this.#policy.share * this.#policy.of)
        this.#open(this.#policy, error)
    }
  }

  /** The agent ends. */
  stop(): void {
    this.#cancel()
  }

  #note(failed: boolean): void {
    if (this.#policy === undefined) return
    if (this.#outcomes[this.#at] === true) this.#failures--
    if (failed) this.#failures++
    this.#outcomes[this.#at] = failed
    this.#at = (this.#at + 1) % this.#policy.of
  }

  #open({ of, pauseMs }: BreakerPolicy, error: unknown): void {
    const waitMs = Math.min(MAX_PAUSE_MS, pauseMs * 2 ** Math.min(this.#pauses++, 16))
    this.#state = 'open'
    const last = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    this.#report(
      `paused, for it is the agent that fails: ${this.#failures} of the last ${of} data went to the dead letters, the last with ${oneLine(last)}. One is tried every ${Math.round(waitMs / 1_000)} s; mend the agent, then replay its dead letters.`,
    )
    this.#cancel = this.#clock.after(waitMs, () => {
      this.#state = 'trying'
      this.#tried = false
      this.#tell()
    })
  }

  #close(): void {
    this.#state = 'closed'
    this.#pauses = 0
    this.#outcomes.length = 0
    this.#at = 0
    this.#failures = 0
    this.#report(undefined)
    this.#tell()
  }

  #tell(): void {
    for (const changed of this.#listeners) changed()
  }
}

const MAX_SHOWN = 200

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN - 1)}…` : line
}
