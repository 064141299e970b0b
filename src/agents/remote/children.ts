import type { MillraceError } from '../../errors.ts'
import type { Job, OpenRemote, RemoteAgentFacts, RemoteEvents } from '../remote.ts'
import { backoffMs } from '../retry.ts'
import { Child, MAX_IN_HAND, type Program } from './child.ts'
import { JobQueue } from './job-queue.ts'
import { onceATurn } from './once-a-turn.ts'

/** One message has at most so many data. */
const BATCH_DATA = 250
const RESTART = { backoffMs: 100, maxBackoffMs: 10_000 } as const
/** A program that is one too many has so long to answer what it has in hand. Then others are given it. */
const LEAVE_MS = 60_000

/** One replica: its process, and how often in a row it has ended without an answer. */
interface Replica {
  child: Child | undefined
  failures: number
  cancelStart: () => void
  /** It finishes what it has in hand, and is not started again. */
  isLeaving: boolean
}

/**
 * The processes of one program, alike, that share the data. When one of them ends, breaks the protocol or answers nothing for too long, it
 * is replaced, and what it had in hand is given out again, one datum at a time: the one that is alone when it happens has done it, and
 * fails; its neighbours are done once.
 */
export class Children implements OpenRemote {
  readonly #program: Program
  readonly #agent: RemoteAgentFacts
  readonly #events: RemoteEvents
  #replicas: readonly Replica[] = []
  /** Those that are one too many and not gone yet. */
  readonly #leaving = new Set<Replica>()
  readonly #queue = new JobQueue()
  /** Those among which is one that ended a process, perhaps. */
  readonly #suspects = new JobQueue()
  /** Busy time of those that have ended since it was asked for. */
  #endedMs = 0
  /** What comes in one turn goes out in one message. */
  readonly #dispatchSoon = onceATurn(() => this.#dispatch())
  #stopping = false

  constructor(program: Program, replicas: number, agent: RemoteAgentFacts, events: RemoteEvents) {
    this.#program = program
    this.#agent = agent
    this.#events = events
    this.scale(replicas)
  }

  take(job: Job): void {
    this.#queue.push(job)
    this.#dispatchSoon()
  }

  cancel(): void {
    this.#queue.dropAborted()
    this.#suspects.dropAborted()
    for (const { child } of this.#replicas) child?.cancelAborted()
  }

  scale(programs: number): void {
    if (this.#stopping) return
    while (this.#replicas.length < programs) {
      const replica: Replica = { child: undefined, failures: 0, cancelStart: () => undefined, isLeaving: false }
      this.#replicas = [...this.#replicas, replica]
      this.#start(replica)
    }
    const leaving = this.#replicas.slice(programs)
    this.#replicas = this.#replicas.slice(0, programs)
    for (const replica of leaving) this.#leave(replica)
    this.#dispatchSoon()
  }

  takeBusyMs(): number {
    const nowMs = this.#agent.clock.now()
    const endedMs = this.#endedMs
    this.#endedMs = 0
    return [...this.#replicas, ...this.#leaving].reduce((sum, { child }) => sum + (child?.busy.takeMs(nowMs) ?? 0), endedMs)
  }

  async stop(graceMs: number): Promise<void> {
    this.#stopping = true
    for (const { cancelStart } of this.#replicas) cancelStart()
    await Promise.all([...this.#replicas, ...this.#leaving].map(({ child }) => child?.stop(graceMs)))
  }

  #dispatch(): void {
    const ready = this.#replicas.flatMap(({ child }) => (child?.mayGive ? [child] : []))
    const [surgeon] = ready
    if (surgeon !== undefined && this.#suspects.length > 0 && surgeon.inHand === 0) {
      this.#suspects.drop(surgeon.give(this.#suspects, 1))
      surgeon.alone = surgeon.inHand > 0
    }
    // As long as there are suspects the first of them has nothing else in hand.
    const free = ready.filter(child => !(child === surgeon && this.#suspects.length > 0) && !child.alone)
    for (let given = true; given && this.#queue.length > 0; ) {
      given = false
      for (const child of free.toSorted((a, b) => a.inHand - b.inHand)) {
        const room = Math.min(BATCH_DATA, MAX_IN_HAND - child.inHand)
        if (room <= 0 || this.#queue.length === 0 || !child.mayGive) continue
        this.#queue.drop(child.give(this.#queue, room))
        given = true
      }
    }
  }

  #start(replica: Replica): void {
    const child = new Child(this.#program, this.#agent, {
      ready: () => {
        this.#events.held(undefined)
        this.#dispatchSoon()
      },
      free: () => {
        if (child.inHand === 0) child.alone = false
        this.#dispatchSoon()
      },
      ended: (why, left) => this.#ended(replica, child, why, left),
      log: this.#events.log,
    })
    replica.child = child
  }

  /** Nothing more is given to it. What it has in hand is answered by it, or, where it does not come to that, by another. */
  #leave(replica: Replica): void {
    replica.isLeaving = true
    replica.cancelStart()
    if (replica.child === undefined) return
    this.#leaving.add(replica)
    void replica.child.stop(LEAVE_MS)
  }

  #ended(replica: Replica, child: Child, why: MillraceError, left: readonly Job[]): void {
    replica.child = undefined
    this.#endedMs += child.busy.takeMs(this.#agent.clock.now())
    if (replica.isLeaving) {
      this.#leaving.delete(replica)
      // It was told to go: no datum of it is to blame, unless it is found by those that are given it now.
      this.#queue.putBack(left)
      this.#dispatchSoon()
      return
    }
    const [only] = left
    if (only !== undefined && left.length === 1) only.failed(why)
    else this.#suspects.putBack(left)
    if (this.#stopping) return
    replica.failures = child.hasAnswered ? 0 : replica.failures + 1
    if (left.length === 0) this.#events.log(`${why.message} It is started again.`)
    if (!this.#replicas.some(other => other.child?.isReady)) this.#events.held(why)
    const waitMs = replica.failures === 0 ? 0 : backoffMs(RESTART, replica.failures, Math.random)
    replica.cancelStart = this.#agent.clock.after(waitMs, () => this.#start(replica))
    this.#dispatchSoon()
  }
}
