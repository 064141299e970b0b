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
  /** Of the agent, and of the version that gets a share of its data: a release that fails is not to hide behind the one that works. */
  readonly #outcomes: readonly [Outcomes, Outcomes]
  #state: 'closed' | 'open' | 'trying' = 'closed'
  /** Whether the datum that is tried has begun. */
  #tried = false
  #pauses = 0
  #cancel: () => void = () => undefined

  /** @param policy undefined: it never opens. @param report told why the agent is paused, and with undefined when it goes on. */
  constructor(policy: BreakerPolicy | undefined, clock: Clock, report: (reason: string | undefined) => void) {
    this.#policy = policy
    this.#clock = clock
    this.#report = report
    this.#outcomes = [new Outcomes(policy?.of ?? 0), new Outcomes(policy?.of ?? 0)]
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

  /**
   * Whether a datum that fails for good is a dead letter now. One that was in hand when the agent was paused is not: it waits with the others.
   * @param isProbe it is the one that is tried.
   */
  buries(isProbe: boolean): boolean {
    return this.#state === 'closed' || (this.#state === 'trying' && isProbe)
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

  /** The datum that was tried tells nothing any more: its lease has ended, or it waits for what is away. Another may be tried in its place. */
  letGo(): void {
    this.#tried = false
  }

  /** @param ramped it was of the version that gets a share of the data. */
  done(ramped: boolean): void {
    if (this.#state === 'closed') this.#outcomes[ramped ? 1 : 0].note(false)
    else if (this.#state === 'trying') this.#close()
  }

  /** A datum failed for good, and {@link buries} it. */
  failed(error: unknown, ramped: boolean): void {
    if (this.#policy === undefined) return
    const outcomes = this.#outcomes[ramped ? 1 : 0]
    outcomes.note(true)
    if (this.#state === 'trying' || outcomes.failedShare >= this.#policy.share) this.#open(this.#policy, outcomes, error)
  }

  /** The agent ends. */
  stop(): void {
    this.#cancel()
  }

  #open({ of, pauseMs }: BreakerPolicy, { failures }: Outcomes, error: unknown): void {
    const waitMs = Math.min(MAX_PAUSE_MS, pauseMs * 2 ** Math.min(this.#pauses++, 16))
    this.#state = 'open'
    const last = error instanceof Error ? `${error.name}: ${error.message}` : String(error)
    this.#report(
      `paused, for it is the agent that fails: ${failures} of the last ${of} data went to the dead letters, the last with ${oneLine(last)}. One is tried every ${Math.round(waitMs / 1_000)} s; mend the agent, then replay its dead letters.`,
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
    for (const outcomes of this.#outcomes) outcomes.clear()
    this.#report(undefined)
    this.#tell()
  }

  #tell(): void {
    for (const changed of this.#listeners) changed()
  }
}

/** The last so many outcomes, the oldest overwritten by the newest. */
class Outcomes {
  readonly #of: number
  readonly #failed: boolean[] = []
  #at = 0
  failures = 0

  constructor(of: number) {
    this.#of = of
  }

  /** 0 until there are so many. */
  get failedShare(): number {
    return this.#failed.length < this.#of ? 0 : this.failures / this.#of
  }

  note(failed: boolean): void {
    if (this.#of === 0) return
    if (this.#failed[this.#at] === true) this.failures--
    if (failed) this.failures++
    this.#failed[this.#at] = failed
    this.#at = (this.#at + 1) % this.#of
  }

  clear(): void {
    this.#failed.length = 0
    this.#at = 0
    this.failures = 0
  }
}

const MAX_SHOWN = 200

function oneLine(text: string): string {
  const line = text.replaceAll(/\s+/g, ' ').trim()
  return line.length > MAX_SHOWN ? `${line.slice(0, MAX_SHOWN - 1)}…` : line
}
