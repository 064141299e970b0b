import type { Clock } from '../clock.ts'
import { MillraceError } from '../errors.ts'
import type { Agent, Handler } from './agent.ts'
import { HandlerContext } from './handler-context.ts'
import type { Outputs, Staged } from './outputs.ts'
import type { Progress } from './progress.ts'
import type { Ramp } from './ramp.ts'
import { arrived, isPending } from './results.ts'
import { backoffMs, isFinal } from './retry.ts'
import type { Task } from './task.ts'

/** How many data may wait behind others of their key, for each that may run: further ahead lie the keys that are free. */
const QUEUED_PER_SLOT = 4

export interface HandlingOptions {
  readonly agent: Agent
  /** The agent's own, or what hands the datum to its remote. */
  readonly handler: Handler
  /** The version that gets a share of the data, where one does. */
  readonly ramp: Ramp | undefined
  readonly outputs: Outputs
  readonly clock: Clock
  readonly random: () => number
  readonly progress: Progress
  /** What {@link Progress} calls this partition. */
  readonly topicIndex: number
  readonly partition: number
  /** The outputs of an earlier run of the datum, which count in place of another run's; undefined where there was none. */
  readonly recorded: (task: Task) => Promise<readonly Staged[]> | undefined
  /** A datum's outputs are ready to be written; in the order of offsets where the agent is ordered. */
  readonly finished: (task: Task) => void
  /** A datum failed for good. */
  readonly dead: (task: Task, error: unknown) => void
  /** Something finished that was waited for. */
  readonly changed: () => void
}

/**
 * The data of one partition in the handler's hands: how many run at once, what runs after what, what is tried again and when. A handler
 * that does not wait is called and done within {@link take}; no promise and no timer is made for it.
 */
export class Handling {
  readonly #options: HandlingOptions
  readonly #agent: Agent
  /** Data of one key run one after the other. */
  readonly #byKey: boolean
  /** Taken and not finished, in the order of offsets. */
  readonly #open = new Map<number, Task>()
  readonly #ready: Task[] = []
  /** The keys in hand, each with those that wait behind. */
  readonly #keys = new Map<string, Task[]>()
  #running = 0
  #waiting = 0
  #queued = 0
  /** Milliseconds in handlers that waited, since the last {@link takeHandlerMs}. */
  #handlerMs = 0
  /** When the last attempt began. */
  startedMs = 0

  constructor(options: HandlingOptions) {
    this.#options = options
    this.#agent = options.agent
    this.#byKey = options.agent.concurrency > 1 && options.agent.by !== undefined
  }

  /** Attempts whose result is awaited. */
  get running(): number {
    return this.#running
  }

  /** Data that wait to be tried again. */
  get waiting(): number {
    return this.#waiting
  }

  /** Whether everything taken is finished. */
  get clear(): boolean {
    return this.#open.size === 0
  }

  get mayTake(): boolean {
    return (
      this.#running < this.#agent.concurrency &&
      this.#ready.length === 0 &&
      this.#queued < this.#agent.concurrency * QUEUED_PER_SLOT &&
      // An ordered agent holds back what follows a failing datum.
      !(this.#agent.ordered && this.#waiting > 0)
    )
  }

  /** Whether {@link resume} would run something. */
  get mayResume(): boolean {
    return this.#running < this.#agent.concurrency && this.#ready.some(task => this.#inTurn(task))
  }

  takeHandlerMs(): number {
    const ms = this.#handlerMs
    this.#handlerMs = 0
    return ms
  }

  take(task: Task): void {
    if (this.#admit(task)) this.#run(task)
  }

  /** Runs what has waited for its time, its key or a free place. */
  resume(): void {
    while (this.#ready.length > 0 && this.#running < this.#agent.concurrency) {
      const index = this.#ready.findIndex(task => this.#inTurn(task))
      if (index < 0) return
      const [task] = this.#ready.splice(index, 1)
      this.#run(task!)
    }
  }

  /** Lets go of everything; what handlers in hand return is ignored, and their signals abort. */
  abort(reason: Error): void {
    for (const task of this.#open.values()) {
      task.cancel?.()
      if (task.stage === 'running') task.context?.abort(reason)
    }
    this.#open.clear()
    this.#ready.length = 0
    this.#running = 0
  }

  #admit(task: Task): boolean {
    if (!this.#byKey || task.key === undefined) return true
    const behind = this.#keys.get(task.key)
    if (behind === undefined) {
      this.#keys.set(task.key, [])
      return true
    }
    task.detach()
    task.stage = 'queued'
    this.#queued++
    this.#open.set(task.offset, task)
    // One that is tried again comes before those that have not begun.
    if (task.attempts > 0) behind.unshift(task)
    else behind.push(task)
    return false
  }

  #run(task: Task): void {
    const { clock, progress, topicIndex, partition } = this.#options
    const context = new HandlerContext(task, task.window, task.state, ++task.attempts)
    task.context = context
    task.stage = 'running'
    const startedMs = clock.now()
    this.startedMs = startedMs
    const row = progress.begin(topicIndex, partition, task.offset, task.attempts, startedMs)
    const recorded = this.#options.recorded(task)
    let staged: readonly Staged[] | Promise<readonly Staged[]>
    try {
      const handler = this.#handlerOf(task)
      staged = recorded ?? this.#stage(handler(task.value, context), context)
    } catch (error) {
      progress.end(row)
      this.#failed(task, error)
      return
    }
    if (staged instanceof Promise) {
      // A remote has the timeout in its own hands: only it knows which of them are worked on.
      const timed = recorded === undefined && this.#agent.remote === undefined
      this.#await(task, context, staged, progress.wait(row), startedMs, timed)
    } else {
      progress.end(row)
      this.#succeeded(task, staged)
    }
  }

  /** As long as a task lives it is one version's, whatever is tried again. */
  #handlerOf(task: Task): Handler {
    const { ramp, handler } = this.#options
    if (ramp === undefined) return handler
    task.ramped = ramp.takes(task)
    return task.ramped ? ramp.handler : handler
  }

  #stage(result: unknown, context: HandlerContext): readonly Staged[] | Promise<readonly Staged[]> {
    const { outputs } = this.#options
    // A remote answers with all outputs at once: there is no stream of them to wait for.
    if (this.#agent.remote !== undefined && result instanceof Promise) return result.then(done => outputs.stage(done))
    return isPending(result) ? arrived(result, context).then(done => outputs.stage(done)) : outputs.stage(result)
  }

  /** @param timed the handler's time is what passes, not that of the journal's reading. */
  #await(task: Task, context: HandlerContext, staged: Promise<readonly Staged[]>, row: number, startedMs: number, timed: boolean): void {
    const { clock, progress, changed } = this.#options
    this.#running++
    task.detach()
    this.#open.set(task.offset, task)
    let settled = false
    const settle = (then: () => void) => {
      // Timeout and result may both come; the first counts.
      if (settled) return
      settled = true
      cancelTimeout()
      progress.end(row)
      this.#running--
      this.#handlerMs += clock.now() - startedMs
      then()
      changed()
    }
    const late = () => {
      const error = new MillraceError('HANDLER_TIMEOUT', `The handler was not done after ${this.#agent.timeoutMs} ms.`, {
        fix: "Hand context.signal to what it waits for, or raise the agent's timeout.",
      })
      context.abort(error)
      settle(() => this.#failed(task, error))
    }
    const cancelTimeout = timed ? clock.after(this.#agent.timeoutMs, late) : () => undefined
    // Let go of with its lease: nothing of it counts any more, and a watchdog must not take it for one that spins.
    task.cancel = () => {
      settled = true
      cancelTimeout()
      progress.end(row)
    }
    staged.then(
      outputs => settle(() => this.#succeeded(task, outputs)),
      error => settle(() => this.#failed(task, error)),
    )
  }

  #succeeded(task: Task, outputs: readonly Staged[]): void {
    task.outputs = outputs
    task.stage = 'finished'
    this.#releaseKey(task)
    if (!this.#agent.ordered || this.#open.size === 0) {
      this.#open.delete(task.offset)
      this.#options.finished(task)
      return
    }
    this.#open.set(task.offset, task)
    this.#finishInOrder()
  }

  #failed(task: Task, error: unknown): void {
    this.#releaseKey(task)
    if (isFinal(error) || task.attempts >= this.#agent.retry.attempts) {
      this.#open.delete(task.offset)
      this.#options.dead(task, error)
      if (this.#agent.ordered) this.#finishInOrder()
      return
    }
    task.detach()
    task.stage = 'waiting'
    this.#waiting++
    this.#open.set(task.offset, task)
    const { clock, random, changed } = this.#options
    task.cancel = clock.after(backoffMs(this.#agent.retry, task.attempts, random), () => {
      this.#waiting--
      task.stage = 'ready'
      if (this.#admit(task)) this.#ready.push(task)
      changed()
    })
  }

  #finishInOrder(): void {
    for (const task of this.#open.values()) {
      if (task.stage !== 'finished') return
      this.#open.delete(task.offset)
      this.#options.finished(task)
    }
  }

  #releaseKey(task: Task): void {
    if (!this.#byKey || task.key === undefined) return
    const next = this.#keys.get(task.key)?.shift()
    if (next === undefined) {
      this.#keys.delete(task.key)
      return
    }
    this.#queued--
    next.stage = 'ready'
    this.#ready.push(next)
  }

  /** Whether an ordered agent may run it: not while one before it waits to be tried again. */
  #inTurn(task: Task): boolean {
    if (!this.#agent.ordered || this.#waiting === 0) return true
    for (const other of this.#open.values()) if (other.stage === 'waiting') return task.offset < other.offset
    return true
  }
}
