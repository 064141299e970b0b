import type { Clock } from '../../clock.ts'
import { MillraceError } from '../../errors.ts'
import type { Target } from '../agent.ts'
import type { ClaimedWork, Job, OpenRemote, RemoteAgentFacts, RemoteEvents, WorkDesk } from '../remote.ts'
import { Claim } from './claim.ts'
import { type Commit, readCommit } from './commit.ts'
import { JobQueue } from './job-queue.ts'
import { onceATurn } from './once-a-turn.ts'

/** A claim has at most so many data. */
const MAX_CLAIM_DATA = 1_000
/** Claims that wait for data. */
const MAX_WAITERS = 1_000
/** A worker that has neither had a claim nor waited for one for so long, or twice that, has no share any more. */
const COUNTED_MS = 10_000
/** Nobody has asked for so long: nobody is attached. Longer than workers pause between two claims. */
const AWAY_MS = 15_000
/** Claims whose data are all answered and that are still known, so that their last commit can be sent again. */
const MAX_FINISHED = 1_000

const UTF8 = new TextEncoder()

/** A worker that waits for data. */
interface Waiter {
  readonly most: number
  readonly answer: (work: ClaimedWork | undefined) => void
}

/**
 * Where workers take an agent's data and hand in what came of them. A claim's data are in one worker's hands until they are answered, given
 * back, or none of them was answered for the agent's timeout; what is left then is given out again, one datum at a time: the one that was
 * alone when it happens has done it, and fails; its neighbours are done once.
 *
 *   queued → claimed → answered                     the usual way
 *            claimed → queued                       given back
 *            claimed → suspect → claimed alone      its claim has timed out
 *
 * A claim is forgotten as soon as it is not its worker's any more, and what comes for it afterwards is refused.
 */
export class Desk implements OpenRemote, WorkDesk {
  readonly #agent: RemoteAgentFacts
  readonly #events: RemoteEvents
  readonly #clock: Clock
  readonly #targets: ReadonlyMap<string, Target>
  readonly #queue = new JobQueue()
  /** Those among which is one that held its worker up, or ended it, perhaps. */
  readonly #suspects = new JobQueue()
  readonly #waiters = new Set<Waiter>()
  readonly #claims = new Map<string, Claim>()
  readonly #finished = new Set<string>()
  /** The most workers that had a claim or waited for one at once, since that was counted anew, and in the time before. */
  #workers = 0
  #workersBefore = 0
  #countedMs = 0
  /** What comes in one turn goes out together. */
  readonly #giveSoon = onceATurn(() => this.#giveWaiters())
  #stopping = false
  #isAway = false
  #seenMs: number
  /** When the timer looks; never later than what is due. */
  #looksMs = Number.POSITIVE_INFINITY
  #cancelLook: () => void = () => undefined

  constructor(agent: RemoteAgentFacts, events: RemoteEvents) {
    this.#agent = agent
    this.#events = events
    this.#clock = agent.clock
    this.#targets = new Map(agent.to.map(target => [target.name, target]))
    this.#seenMs = this.#clock.now()
    this.#lookBy(this.#seenMs + AWAY_MS)
    events.attach?.(this)
  }

  take(job: Job): void {
    this.#queue.push(job)
    this.#giveSoon()
  }

  cancel(): void {
    this.#queue.dropAborted()
    this.#suspects.dropAborted()
    for (const [token, claim] of this.#claims) if (claim.isOver) this.#claims.delete(token)
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#cancelLook()
    for (const waiter of this.#waiters) waiter.answer(undefined)
  }

  async claim(most: number, waitMs: number, gone: AbortSignal): Promise<ClaimedWork | undefined> {
    if (this.#stopping) throw new MillraceError('AGENT_AWAY', `${this.#name} stops.`, { fix: 'Ask again in a moment.' })
    this.#seen()
    const work = this.#give(most)
    this.#count()
    if (work !== undefined || waitMs === 0 || gone.aborted) return work
    if (this.#waiters.size >= MAX_WAITERS) {
      throw new MillraceError('OVERLOADED', `${MAX_WAITERS} workers of ${this.#name} wait for data already.`, { fix: 'Ask again later.' })
    }
    return new Promise(resolve => {
      const nothing = () => waiter.answer(undefined)
      const waiter: Waiter = {
        most,
        answer: given => {
          cancel()
          gone.removeEventListener('abort', nothing)
          this.#waiters.delete(waiter)
          this.#seen()
          resolve(given)
        },
      }
      const cancel = this.#clock.after(waitMs, nothing)
      gone.addEventListener('abort', nothing, { once: true })
      this.#waiters.add(waiter)
      this.#count()
    })
  }

  async commit(body: Uint8Array): Promise<string> {
    const commit = readCommit(body, this.#targets, this.#agent.addressed)
    this.#seen()
    const claim = this.#claims.get(commit.claim)
    if (claim === undefined) {
      if (this.#finished.has(commit.claim)) return answered(0)
      throw this.#lost()
    }
    if (claim.isOver) {
      this.#claims.delete(claim.token)
      throw this.#lost()
    }
    return answered(this.#settle(claim, commit))
  }

  release(token: string): void {
    const claim = this.#claims.get(token)
    if (claim !== undefined) this.#putBack(claim)
  }

  /** @returns how many data the worker still has. @throws BODY_MALFORMED before anything has counted. */
  #settle(claim: Claim, { answers, release }: Commit): number {
    const strange = answers.find(({ n }) => !claim.has(n))
    if (strange !== undefined) {
      throw new MillraceError('BODY_MALFORMED', `A result is of a datum ${strange.n}, which the claim does not have.`, {
        fix: 'Answer each datum by the n that it was given with.',
      })
    }
    let isNews = false
    for (const answer of answers) if (claim.answer(answer)) isNews = true
    if (isNews) claim.dueMs = this.#clock.now() + this.#agent.timeoutMs
    if (claim.left === 0 || release) this.#finish(claim)
    if (release) this.#putBack(claim)
    return release ? 0 : claim.left
  }

  #finish(claim: Claim): void {
    this.#claims.delete(claim.token)
    this.#finished.add(claim.token)
    const [oldest] = this.#finished
    if (this.#finished.size > MAX_FINISHED && oldest !== undefined) this.#finished.delete(oldest)
  }

  #putBack(claim: Claim): void {
    this.#claims.delete(claim.token)
    // One that was on trial stays so: giving it back does not acquit it.
    if (claim.isTrial) this.#suspects.putBack(claim.rest())
    else this.#queue.putBack(claim.rest())
    this.#giveSoon()
  }

  #giveWaiters(): void {
    for (const waiter of this.#waiters) {
      const work = this.#give(waiter.most)
      if (work === undefined) return
      waiter.answer(work)
    }
  }

  /** Puts data into somebody's hands: as long as there are suspects, one of those. */
  #give(most: number): ClaimedWork | undefined {
    const { timeoutMs } = this.#agent
    const dueMs = this.#clock.now() + timeoutMs
    const given =
      Claim.of(this.#suspects, 1, true, dueMs) ?? Claim.of(this.#queue, Math.min(most, this.#share(), MAX_CLAIM_DATA), false, dueMs)
    if (given === undefined) return undefined
    const { token } = given.claim
    this.#claims.set(token, given.claim)
    this.#lookBy(dueMs)
    return { claim: token, json: UTF8.encode(`{"claim":"${token}","timeout_ms":${timeoutMs},"data":[${given.data}]}`) }
  }

  #count(): void {
    this.#workers = Math.max(this.#workers, this.#claims.size + this.#waiters.size)
  }

  /** What is a worker's of the queue: whoever asks first would leave nothing for the others. */
  #share(): number {
    const nowMs = this.#clock.now()
    if (nowMs >= this.#countedMs + COUNTED_MS) {
      this.#workersBefore = this.#workers
      this.#workers = 0
      this.#countedMs = nowMs
    }
    const without = Math.max(this.#workers, this.#workersBefore) - this.#claims.size
    return Math.ceil(this.#queue.length / Math.max(1, without))
  }

  /** A worker has asked for something. */
  #seen(): void {
    this.#seenMs = this.#clock.now()
    if (this.#isAway) {
      this.#isAway = false
      this.#events.held(undefined)
    }
    this.#lookBy(this.#seenMs + AWAY_MS)
  }

  /** One timer for all that may be late: whatever puts off what is due leaves it as it is, to look again. */
  #lookBy(ms: number): void {
    if (ms >= this.#looksMs || this.#stopping) return
    this.#cancelLook()
    this.#looksMs = ms
    this.#cancelLook = this.#clock.after(Math.max(0, ms - this.#clock.now()), () => {
      this.#looksMs = Number.POSITIVE_INFINITY
      this.#look()
    })
  }

  #look(): void {
    const nowMs = this.#clock.now()
    for (const claim of this.#claims.values()) {
      if (claim.dueMs <= nowMs) this.#timedOut(claim)
      else this.#lookBy(claim.dueMs)
    }
    // Whoever waits or works is there; it is looked again when that ends.
    if (this.#waiters.size > 0 || this.#claims.size > 0 || this.#isAway) return
    if (nowMs < this.#seenMs + AWAY_MS) this.#lookBy(this.#seenMs + AWAY_MS)
    else this.#away()
  }

  #timedOut(claim: Claim): void {
    this.#claims.delete(claim.token)
    const left = claim.rest()
    const [only] = left
    const why = new MillraceError(
      'HANDLER_TIMEOUT',
      `A worker of ${this.#name} answered none of the ${left.length} data in its hands for ${this.#agent.timeoutMs} ms.`,
      { fix: "Raise the agent's timeout, or let the worker claim less or commit in parts." },
    )
    if (only === undefined) return
    if (left.length === 1) only.failed(why)
    else {
      this.#events.log(`${why.message} They are given out again, one by one.`)
      for (const job of left) this.#suspects.push(job)
      this.#giveSoon()
    }
  }

  #away(): void {
    this.#isAway = true
    this.#events.held(
      new MillraceError('WORKER_MISSING', `No worker is attached to ${this.#name}.`, {
        fix: 'Start one: it claims data where --attach says (docs/agents.md).',
      }),
    )
  }

  #lost(): MillraceError {
    return new MillraceError('LEASE_LOST', `${this.#name} does not know the claim any more, and this commit has changed nothing.`, {
      fix: 'Let go of it and claim again: what of it is not done is given out anew, under the same ids.',
    })
  }

  get #name(): string {
    return `${this.#agent.name}@${this.#agent.version}`
  }
}

function answered(left: number): string {
  return `{"left":${left}}`
}
