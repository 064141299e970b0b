import type { Clock } from '../clock.ts'
import { MillraceError } from '../errors.ts'
import type { Agent, Handler } from './agent.ts'
import { resultsOfEach } from './batches.ts'
import { BusyTime } from './busy-time.ts'
import type { CrashNote } from './crash-note.ts'
import { BatchContext, HandlerContext } from './handler-context.ts'
import type { Outputs, Staged } from './outputs.ts'
import { type Progress, UNSEEN } from './progress.ts'
import type { Ramp } from './ramp.ts'
import type { OpenRemote } from './remote.ts'
import { RemoteAttempt, type RemoteAttemptEnds } from './remote-attempt.ts'
import { arrived, isPending } from './results.ts'
import type { Task } from './task.ts'

/** What works on a datum: the agent's own handler, or its remote. */
export type Worker = Handler | OpenRemote

/** The outputs of each datum of a batch, or those of the batch as a whole. */
export type StagedBatch = { readonly each: readonly (readonly Staged[])[] } | { readonly whole: readonly Staged[] }

export interface AttemptsOptions {
  readonly agent: Agent
  /** Undefined where the agent takes batches. */
  readonly worker: Worker | undefined
  /** The version that gets a share of the data, where one does. */
  readonly ramp: Ramp | undefined
  readonly outputs: Outputs
  readonly clock: Clock
  readonly progress: Progress
  /** Undefined where what ends the process has many in hand, or is elsewhere: an agent of batches, a remote one. */
  readonly crashNote: CrashNote | undefined
  readonly topic: string
  /** What {@link Progress} calls the topic. */
  readonly topicIndex: number
  readonly partition: number
  /** Of the thread. */
  readonly busy: BusyTime
  /** The handler has not ended: its result is waited for. */
  readonly waits: (task: Task) => void
  /** An attempt that was waited for has ended; told after what became of it. */
  readonly changed: () => void
  /** Something failed that is no datum's fault and nobody waits for: the lease cannot go on. */
  readonly broken: (error: unknown) => void
  readonly succeeded: (task: Task, outputs: readonly Staged[]) => void
  readonly failed: (task: Task, error: unknown) => void
  readonly batchSucceeded: (tasks: readonly Task[], outputs: StagedBatch) => void
  readonly batchFailed: (tasks: readonly Task[], error: unknown) => void
}

/** What is told once, of a result or of its lateness. */
interface Awaited<T> {
  readonly done: (result: T) => void
  readonly failed: (error: unknown) => void
  /** The handler's time is what passes, not that of the journal's reading. */
  readonly timed: boolean
  readonly row: number
  readonly startedMs: number
}

/**
 * Calls the handler, with one datum or with many, and waits for it where it waits. A handler that does not wait is called and done within
 * one call; no promise and no timer is made for it.
 */
export class Attempts {
  readonly #options: AttemptsOptions
  #running = 0
  /** Counts the time in which something of the partition is in the handler's hands. */
  readonly busy: BusyTime
  /** When the last attempt began. */
  startedMs = 0
  readonly #remoteEnds: RemoteAttemptEnds

  constructor(options: AttemptsOptions) {
    const { outputs, succeeded, failed, changed, broken } = options
    this.#options = options
    this.busy = new BusyTime(options.busy)
    this.#remoteEnds = {
      stage: done => outputs.stage(done),
      ended: (attempt, staged, error) => {
        this.#running--
        this.#left(attempt)
        // Whoever tells it would take what is thrown here for the program's fault.
        try {
          if (staged === undefined) failed(attempt.task, error)
          else succeeded(attempt.task, staged)
        } catch (fault) {
          broken(fault)
        }
        changed()
      },
      letGo: attempt => this.#left(attempt),
    }
  }

  /** Attempts whose result is awaited; one for each batch. */
  get running(): number {
    return this.#running
  }

  /** Nothing that comes back counts any more. */
  forget(): void {
    this.#running = 0
  }

  /** @param recorded the outputs of an earlier run, which count in place of another's. */
  one(task: Task, recorded: Promise<readonly Staged[]> | undefined): void {
    const { clock, progress, crashNote, topic, topicIndex, partition, succeeded, failed } = this.#options
    let worker: Worker | undefined
    try {
      worker = this.#workerOf(task)
    } catch (error) {
      // Which version gets a datum is decided by its key, and that is the pipeline's code.
      failed(task, error)
      return
    }
    if (typeof worker === 'object' && recorded === undefined) {
      this.#hand(task, worker)
      return
    }
    const context = new HandlerContext(task, task.window, task.state, task.attempts)
    task.context = context
    const startedMs = clock.now()
    this.startedMs = startedMs
    // While the journal is read no handler is at work that a watchdog could end.
    const row = recorded === undefined ? progress.begin(topicIndex, partition, task.offset, task.attempts, startedMs) : UNSEEN
    if (task.noted) crashNote?.begin(topic, partition, task.offset)
    let staged: readonly Staged[] | Promise<readonly Staged[]>
    try {
      // Without a handler only what is recorded comes here.
      staged = recorded ?? this.#stage((worker as Handler)(task.value, context), context)
    } catch (error) {
      progress.end(row)
      crashNote?.clear()
      failed(task, error)
      return
    }
    // What goes on from here may be beside others: nobody could tell which of them ends the process.
    crashNote?.clear()
    if (!(staged instanceof Promise)) {
      progress.end(row)
      succeeded(task, staged)
      return
    }
    this.#await([task], context, staged, {
      done: outputs => succeeded(task, outputs),
      failed: error => failed(task, error),
      timed: recorded === undefined,
      row: progress.wait(row),
      startedMs,
    })
  }

  many(tasks: readonly Task[]): void {
    const { agent, clock, progress, topicIndex, partition, batchSucceeded, batchFailed } = this.#options
    const context = new BatchContext(tasks.map(task => new HandlerContext(task, task.window, task.state, task.attempts)))
    for (const task of tasks) task.context = context
    const startedMs = clock.now()
    this.startedMs = startedMs
    const [first, last] = [tasks[0]!, tasks.at(-1)!]
    const row = progress.begin(topicIndex, partition, first.offset, first.attempts, startedMs, last.offset + 1)
    const values = tasks.map(task => task.value)
    let staged: StagedBatch | Promise<StagedBatch>
    try {
      const result = agent.batchHandler!(values, context)
      staged = isPending(result) ? arrived(result, context).then(done => this.#stageBatch(done, tasks)) : this.#stageBatch(result, tasks)
    } catch (error) {
      progress.end(row)
      batchFailed(tasks, error)
      return
    }
    if (!(staged instanceof Promise)) {
      progress.end(row)
      batchSucceeded(tasks, staged)
      return
    }
    this.#await(tasks, context, staged, {
      done: outputs => batchSucceeded(tasks, outputs),
      failed: error => batchFailed(tasks, error),
      timed: true,
      row: progress.wait(row),
      startedMs,
    })
  }

  /** Gives the datum to a program. What becomes of it comes later, and how long that may take is the remote's to see to. */
  #hand(task: Task, remote: OpenRemote): void {
    const { clock, progress, topicIndex, partition, waits } = this.#options
    const startedMs = clock.now()
    this.startedMs = startedMs
    const attempt = new RemoteAttempt(
      task,
      progress.elsewhere(topicIndex, partition, task.offset, task.attempts, startedMs),
      this.#remoteEnds,
    )
    this.#running++
    this.busy.begin(startedMs)
    task.keep()
    task.context = attempt
    waits(task)
    remote.take(attempt)
  }

  #left({ row }: RemoteAttempt): void {
    const { clock, progress } = this.#options
    progress.end(row)
    this.busy.end(clock.now())
  }

  /** As long as a task lives it is one version's, whatever is tried again. */
  #workerOf(task: Task): Worker | undefined {
    const { ramp, worker } = this.#options
    if (ramp === undefined) return worker
    task.ramped = ramp.takes(task)
    return task.ramped ? ramp.worker : worker
  }

  #stage(result: unknown, context: HandlerContext): readonly Staged[] | Promise<readonly Staged[]> {
    const { outputs } = this.#options
    return isPending(result) ? arrived(result, context).then(done => outputs.stage(done)) : outputs.stage(result)
  }

  #stageBatch(result: unknown, tasks: readonly Task[]): StagedBatch | Promise<StagedBatch> {
    const { agent, outputs } = this.#options
    if (agent.batch?.outputs === 'batch') {
      const whole = outputs.stage(result)
      return whole instanceof Promise ? whole.then(staged => ({ whole: staged })) : { whole }
    }
    const each = resultsOfEach(result, tasks.length).map(own => outputs.stage(own))
    if (each.some(staged => staged instanceof Promise)) return Promise.all(each).then(staged => ({ each: staged }))
    // Without a promise among them they are what the type says.
    return { each: each as (readonly Staged[])[] }
  }

  #await<T>(tasks: readonly Task[], context: { abort(reason: Error): void }, result: Promise<T>, then: Awaited<T>): void {
    const { agent, clock, progress, changed, waits } = this.#options
    const { row, startedMs } = then
    this.#running++
    this.busy.begin(startedMs)
    let settled = false
    const settle = (next: () => void) => {
      // Timeout and result may both come; the first counts.
      if (settled) return
      settled = true
      cancelTimeout()
      progress.end(row)
      this.#running--
      this.busy.end(clock.now())
      next()
      changed()
    }
    const late = () => {
      const error = new MillraceError('HANDLER_TIMEOUT', `The handler was not done after ${agent.timeoutMs} ms.`, {
        fix: "Hand context.signal to what it waits for, or raise the agent's timeout.",
      })
      context.abort(error)
      settle(() => then.failed(error))
    }
    const cancelTimeout = then.timed ? clock.after(agent.timeoutMs, late) : () => undefined
    for (const task of tasks) {
      task.keep()
      waits(task)
      // Let go of with its lease: nothing of it counts any more, and a watchdog must not take it for one that spins.
      task.cancel = () => {
        if (settled) return
        settled = true
        cancelTimeout()
        progress.end(row)
        this.busy.end(clock.now())
      }
    }
    result.then(
      done => settle(() => then.done(done)),
      error => settle(() => then.failed(error)),
    )
  }
}
