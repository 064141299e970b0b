import type { Agent } from '../agents/agent.ts'
import { type InHand, Progress } from '../agents/progress.ts'
import type { Clock } from '../clock.ts'
import { hungAfterMs } from '../instrumentation/diagnosis.ts'
import type { InHandFact } from '../instrumentation/recorder.ts'

/** How often it looks: reading a page of shared memory costs nothing beside a handler. */
const LOOK_MS = 100
/**
 * The runner ends an attempt at its timeout by itself; only a thread that cannot run the runner is still at it this much later. A handler on
 * the stack is over its time by itself; one that waits may have been kept by another's handler, and gets longer.
 */
const STACK_GRACE_MS = 400
const WAIT_GRACE_MS = 800
/** What hangs is looked into before its thread is ended, and another thread prepared. */
const LOOK_INTO_MS = 100
/** Where none is on the stack a thread may be late because the machine has much to do, and another thread is the last thing that it needs. */
const WAIT_LATE_MS = 300

/** An attempt that lasts this long is reported by the watchdog, since its own thread may be unable to. */
const LONG_MS = 1_000

export interface WatchdogEvents {
  /** Something has been in hand for long; `count` 0: nothing is any more. */
  onLong(fact: Pick<InHandFact, 'count' | 'sinceMs'>): void
  /** The attempt seems to spin: the moment to see where. Once for each attempt. */
  onHung(held: InHand): void
  /** The attempt is over its time, and its thread will have to be ended unless it ends by itself: the moment to prepare another. */
  onLate(): void
  /** It has ended by itself. */
  onBack(): void
  /** The thread must be ended: the attempt has been in hand for so long. Nothing is looked at afterwards. */
  onStuck(forMs: number): void
}

/**
 * Sees from outside whether an agent's thread still runs its own event loop: a handler that spins can be neither told nor asked.
 * An attempt that is in hand longer than its timeout and a grace means that the runner's own timer could not fire.
 */
export class Watchdog {
  readonly progress = new Progress()
  readonly #agent: Pick<Agent, 'timeoutMs' | 'remote'>
  readonly #clock: Clock
  readonly #events: WatchdogEvents
  #lookedInto: InHand | undefined
  #wasLong = false
  #wasLate = false
  #cancel: () => void = () => undefined

  constructor(agent: Pick<Agent, 'timeoutMs' | 'remote'>, clock: Clock, events: WatchdogEvents) {
    this.#agent = agent
    this.#clock = clock
    this.#events = events
    this.progress.reset()
  }

  start(): void {
    this.#cancel = this.#clock.after(LOOK_MS, () => this.#look())
  }

  stop(): void {
    this.#cancel()
  }

  #look(): void {
    const { timeoutMs } = this.#agent
    const inHand = this.progress.inHand()
    const sinceMs = Math.min(...inHand.map(held => held.startedMs))
    const heldMs = this.#clock.now() - sinceMs // -Infinity when idle
    const isLong = heldMs > LONG_MS
    if (isLong) this.#events.onLong({ count: inHand.length, sinceMs })
    else if (this.#wasLong) this.#events.onLong({ count: 0, sinceMs: 0 })
    this.#wasLong = isLong
    const deaf = this.#longest(inHand)
    const deafMs = deaf === undefined ? 0 : this.#clock.now() - deaf.startedMs
    if (deaf !== undefined && deafMs > Math.min(deaf.current ? hungAfterMs(timeoutMs) : timeoutMs, timeoutMs) + LOOK_INTO_MS)
      this.#lookInto(deaf)
    const isLate = deafMs > timeoutMs + (deaf?.current ? LOOK_INTO_MS : WAIT_LATE_MS)
    if (isLate && !this.#wasLate) this.#events.onLate()
    else if (!isLate && this.#wasLate) this.#events.onBack()
    this.#wasLate = isLate
    if (deafMs > timeoutMs + (deaf?.current ? STACK_GRACE_MS : WAIT_GRACE_MS)) this.#events.onStuck(deafMs)
    else this.start()
  }

  /** The attempt by which a thread is seen to be deaf: the one on the stack, or else the one that waits longest. */
  #longest(inHand: readonly InHand[]): InHand | undefined {
    const [first] = inHand
    // A program is given more than it works on, and its own timeout is its runner's to see to; a thread that hands out hangs nowhere else.
    if (first?.current || this.#agent.remote !== undefined) return first?.current ? first : undefined
    return inHand.toSorted((a, b) => a.startedMs - b.startedMs)[0]
  }

  #lookInto(held: InHand): void {
    const { topic, partition, offset, startedMs } = held
    const last = this.#lookedInto
    if (last?.topic === topic && last.partition === partition && last.offset === offset && last.startedMs === startedMs) return
    this.#lookedInto = held
    this.#events.onHung(held)
  }
}
