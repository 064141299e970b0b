import { MillraceError } from '../../errors.ts'
import type { Job, OpenRemote, RemoteAgentFacts, RemoteEvents } from '../remote.ts'
import { backoffMs } from '../retry.ts'
import { batchOf, headOf } from './batch.ts'
import { JobQueue } from './job-queue.ts'
import { type Answer, broken } from './messages.ts'
import { onceATurn } from './once-a-turn.ts'
import { Away, type Request, type Service } from './service.ts'

const AWAY = { backoffMs: 100, maxBackoffMs: 10_000 } as const
/** It is left alone for no longer, whatever it asks for. */
const MOST_WAIT_MS = 300_000
/** In so many parts a request is taken that failed for no known reason: in few, it would be run into its timeout again and again. */
const PARTS = 16

/** A request under way. */
interface Call {
  readonly jobs: readonly Job[]
  /** Sent again after a request with these data failed. */
  readonly suspect: boolean
  readonly abort: AbortController
  /** Others were under way beside it, which may have done to the service what it failed by. */
  shared: boolean
}

/**
 * The data of an agent on their way to a service: gathered into requests, a few of them under way at once.
 *
 * What becomes of a request that has no answers:
 *
 *   the service is away                its data wait, no datum is blamed. After a pause one request finds out whether it is back
 *   it failed, and nobody knows why    its data are sent again in parts, until the one that does it is alone with the service: that one fails
 *   either of both (Away.unsure)       both: the pause and the parts. The one that is alone fails only where others have been answered since
 */
export class Calls implements OpenRemote {
  readonly #service: Service
  readonly #agent: RemoteAgentFacts
  readonly #events: RemoteEvents
  readonly #head: string
  readonly #underWay = new Set<Call>()
  readonly #queue = new JobQueue()
  /** Each is to be a request of its own. */
  #suspects: JobQueue[] = []
  /** How many requests had been answered when a datum was first in one that failed, perhaps by it. */
  readonly #doubted = new WeakMap<Job, number>()
  #answered = 0
  /** How often in a row the service was away. */
  #failures = 0
  #waitsUntilMs = 0
  #cancelWait: (() => void) | undefined
  #why: MillraceError | undefined
  /** What is waited for, where nobody has been told of it since the data before were let go of. */
  #untold: MillraceError | undefined
  /** What comes in one turn goes out in one request. */
  readonly #dispatchSoon = onceATurn(() => this.#dispatch())
  #stopping = false

  constructor(service: Service, agent: RemoteAgentFacts, events: RemoteEvents) {
    this.#service = service
    this.#agent = agent
    this.#events = events
    this.#head = headOf(agent)
  }

  take(job: Job): void {
    this.#queue.push(job)
    this.#dispatchSoon()
  }

  cancel(): void {
    for (const jobs of [this.#queue, ...this.#suspects]) jobs.dropAborted()
    this.#suspects = this.#suspects.filter(jobs => jobs.length > 0)
    let waiting = this.#queue.length + this.#suspects.length
    for (const { jobs, abort } of this.#underWay) {
      if (jobs.some(isWanted)) waiting++
      else abort.abort()
    }
    // Whoever has the data now tells whether they wait; from here that would be told for as long as none come back.
    if (waiting === 0 && this.#failures > 0) {
      this.#events.held(undefined)
      this.#untold = this.#why
    }
  }

  async stop(): Promise<void> {
    this.#stopping = true
    this.#cancelWait?.()
    for (const { abort } of this.#underWay) abort.abort()
    this.#service.close()
  }

  #dispatch(): void {
    if (this.#untold !== undefined && this.#cancelWait !== undefined && this.#queue.length > 0) {
      this.#events.held(this.#untold)
      this.#untold = undefined
    }
    while (!this.#stopping && this.#cancelWait === undefined && this.#underWay.size < this.#room) {
      const suspects = this.#suspects[0]
      // Alone with the service, or what the others do to it would be laid to this one.
      if (suspects?.length === 1 && this.#underWay.size > 0) return
      const queue = suspects ?? this.#queue
      if (queue.length === 0) return
      const { taken, jobs, request } = batchOf(queue, this.#head, this.#service)
      queue.drop(taken)
      if (suspects?.length === 0) this.#suspects.shift()
      if (jobs.length > 0) this.#send({ jobs, suspect: suspects !== undefined, abort: new AbortController(), shared: false }, request)
    }
  }

  /** How many may be under way now. One alone finds out whether the service is back; nothing stands beside a datum that is tried alone. */
  get #room(): number {
    const [first] = this.#underWay
    return this.#failures > 0 || (first?.suspect && first.jobs.length === 1) ? 1 : this.#service.limits.requests
  }

  #send(call: Call, request: Request): void {
    if (this.#underWay.size > 0) for (const other of [call, ...this.#underWay]) other.shared = true
    this.#underWay.add(call)
    const { clock, timeoutMs } = this.#agent
    const cancelLate = clock.after(timeoutMs, () => call.abort.abort(new Away(this.#late(call), { unsure: true })))
    before(call.abort.signal, this.#service.call(request, call.abort.signal))
      .finally(() => {
        cancelLate()
        this.#underWay.delete(call)
      })
      .then(answers => this.#settle(call, answers))
      .catch((error: unknown) => this.#failed(call, error))
      .finally(() => this.#dispatchSoon())
  }

  /** @throws REMOTE_BROKEN, before any answer counts, where one is of a datum that was not in the request. */
  #settle({ jobs, shared }: Call, answers: readonly Answer[]): void {
    const left = new Map(jobs.entries())
    for (const { n } of answers) if (!left.delete(n)) throw broken(`it answered a datum ${n}, which the request did not have, or twice`)
    this.#isThere()
    if (answers.length > 0) this.#answered++
    for (const answer of answers) {
      const job = jobs[answer.n]!
      if ('error' in answer) job.failed(answer.error)
      else job.done(answer.outputs)
    }
    if (left.size > 0) this.#blame([...left.values()], shared, broken(`it answered ${answers.length} data of ${jobs.length}`))
  }

  #failed(call: Call, error: unknown): void {
    const jobs = call.jobs.filter(isWanted)
    if (jobs.length === 0 || this.#stopping) return
    if (!(error instanceof Away)) {
      this.#isThere()
      this.#blame(jobs, call.shared, error)
      return
    }
    this.#wait(error)
    if (error.unsure) this.#doubt(jobs, call.shared, error.why)
    else if (call.suspect) this.#suspects.unshift(new JobQueue(jobs))
    else this.#queue.putBack(jobs)
  }

  /** One of these has done it: the only one, where it was alone with the service. */
  #blame(jobs: readonly Job[], shared: boolean, error: unknown): void {
    if (jobs.length === 1 && !shared) jobs[0]!.failed(error)
    else this.#suspect(jobs, error)
  }

  /** One of these has done it, or none has. Whoever is alone and not blamed goes behind all others: one of them shall show which it is. */
  #doubt(jobs: readonly Job[], shared: boolean, error: MillraceError): void {
    for (const job of jobs) if (!this.#doubted.has(job)) this.#doubted.set(job, this.#answered)
    const only = jobs.length === 1 ? jobs[0] : undefined
    if (only === undefined || shared) this.#suspect(jobs, error)
    else if (this.#answered > this.#doubted.get(only)!) only.failed(error)
    else this.#queue.push(only)
  }

  #suspect(jobs: readonly Job[], error: unknown): void {
    if (jobs.length > 1) this.#events.log(`${messageOf(error)} The ${jobs.length} data of the request are sent again in parts.`)
    const size = Math.ceil(jobs.length / PARTS)
    for (let from = 0; from < jobs.length; from += size) this.#suspects.push(new JobQueue(jobs.slice(from, from + size)))
  }

  #wait({ why, afterMs }: Away): void {
    if (this.#cancelWait === undefined) {
      this.#failures++
      this.#events.held(why)
      this.#why = why
    }
    const { clock } = this.#agent
    // At least the pause of its own: what asks for none would be asked without end.
    const ms = Math.max(Math.min(afterMs ?? 0, MOST_WAIT_MS), backoffMs(AWAY, this.#failures, Math.random))
    if (this.#cancelWait !== undefined && clock.now() + ms <= this.#waitsUntilMs) return
    this.#cancelWait?.()
    this.#waitsUntilMs = clock.now() + ms
    this.#cancelWait = clock.after(ms, () => {
      this.#cancelWait = undefined
      this.#dispatchSoon()
    })
  }

  /** It has replied. What was sent before it asked for a pause does not end that. */
  #isThere(): void {
    if (this.#failures === 0 || this.#cancelWait !== undefined) return
    this.#failures = 0
    this.#untold = undefined
    this.#events.held(undefined)
  }

  #late({ jobs }: Call): MillraceError {
    const { timeoutMs } = this.#agent
    return new MillraceError(
      'HANDLER_TIMEOUT',
      `${this.#service.name} did not answer a request with ${jobs.length} data within ${timeoutMs} ms.`,
      {
        fix: "Raise the agent's timeout, or let a request have fewer data (batch).",
      },
    )
  }
}

function isWanted({ aborted }: Job): boolean {
  return !aborted
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** What is awaited, unless the signal aborts before: nothing is waited for that does not listen to it. */
function before<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    if (signal.aborted) reject(signal.reason)
  })
  return Promise.race([work, aborted])
}
