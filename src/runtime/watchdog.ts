import type { Agent } from '../agents/agent.ts'
import { Progress } from '../agents/progress.ts'
import type { Clock } from '../clock.ts'
import type { InHandFact } from '../instrumentation/recorder.ts'

/** How often it looks: reading a page of shared memory costs nothing beside a handler. */
const LOOK_MS = 200
/** The runner ends an attempt at its timeout by itself; only a thread that cannot run the runner is still at it this much later. */
const GRACE_MS = 800

/** An attempt that lasts this long is reported by the watchdog, since its own thread may be unable to. */
const LONG_MS = 1_000

export interface WatchdogEvents {
  /** Something has been in hand for long. */
  onLong(fact: Pick<InHandFact, 'count' | 'sinceMs'>): void
  /** The thread must be ended: the attempt has been in hand for so long. Nothing is looked at afterwards. */
  onStuck(forMs: number): void
}

/**
 * Sees from outside whether an agent's thread still runs its own event loop: a handler that spins can be neither told nor asked.
 * An attempt that is in hand longer than its timeout and a grace means that the runner's own timer could not fire.
 */
export class Watchdog {
  readonly progress = new Progress()
  readonly #agent: Pick<Agent, 'timeoutMs'>
  readonly #clock: Clock
  readonly #events: WatchdogEvents
  #cancel: () => void = () => undefined

  constructor(agent: Pick<Agent, 'timeoutMs'>, clock: Clock, events: WatchdogEvents) {
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
    const inHand = this.progress.inHand()
    const sinceMs = Math.min(...inHand.map(held => held.startedMs))
    const heldMs = this.#clock.now() - sinceMs // -Infinity when idle
    if (heldMs > LONG_MS) this.#events.onLong({ count: inHand.length, sinceMs })
    if (heldMs > this.#agent.timeoutMs + GRACE_MS) this.#events.onStuck(heldMs)
    else this.start()
  }
}
