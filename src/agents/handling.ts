import type { Agent } from './agent.ts'
import { Attempts, type AttemptsOptions, type StagedBatch } from './attempts.ts'
import { GatheringBatch } from './batches.ts'
import { blockedOn } from './blocked.ts'
import type { Breaker } from './breaker.ts'
import type { BusyTime } from './busy-time.ts'
import { KeyOrder } from './key-order.ts'
import { OpenTasks } from './open-tasks.ts'
import type { Staged } from './outputs.ts'
import { backoffMs, isFinal } from './retry.ts'
import type { Task } from './task.ts'

/** How many data may wait behind others of their key, for each that may run: further ahead lie the keys that are free. */
const QUEUED_PER_SLOT = 4

export interface HandlingOptions extends Omit<AttemptsOptions, 'waits' | 'succeeded' | 'failed' | 'batchSucceeded' | 'batchFailed'> {
  readonly random: () => number
  readonly breaker: Breaker
  /** The outputs of an earlier run of the datum, which count in place of another run's; undefined where there was none. */
  readonly recorded: (task: Task) => Promise<readonly Staged[]> | undefined
  /** Whether {@link recorded} has them; reads nothing. */
  readonly isRecorded: (task: Task) => boolean
  /** The outputs of a datum, and of its members, are ready to be written; in the order of offsets where the agent is ordered. */
  readonly finished: (task: Task) => void
  /** A datum failed for good. */
  readonly dead: (task: Task, error: unknown) => void
  /** Told what the partition waits for that is no fault of its data, and with undefined when it waits no longer. */
  readonly blocked: (reason: string | undefined) => void
  /** Something finished that was waited for. */
  readonly changed: () => void
}

/** The data of one partition in the handler's hands: how many run at once, what runs after what, what is tried again and when. */
export class Handling {
  readonly #options: HandlingOptions
  readonly #agent: Agent
  readonly #attempts: Attempts
  /** Where data of one key run one after the other. */
  readonly #keyOrder: KeyOrder | undefined
  /** Taken and not finished, in the order of offsets. */
  readonly #open = new OpenTasks()
  readonly #ready: Task[] = []
  /** Where the handler takes many data at once: the next batch. */
  readonly #gathering: GatheringBatch | undefined
  /** Parts of batches that are to be run, among them the halves of those that failed. */
  readonly #parts: Task[][] = []
  #waiting = 0
  /** Failed because something is away. One of them is tried now and then; until it is done nothing else begins. */
  #held: Task[] = []
  #holds = 0
  #heldProbe: Task | undefined
  #cancelHold: (() => void) | undefined
  /** Tried to see whether the agent works again. */
  #breakerProbe: Task | undefined
  readonly #unlisten: () => void

  constructor(options: HandlingOptions) {
    const { agent, clock, breaker, changed } = options
    this.#options = options
    this.#agent = agent
    this.#attempts = new Attempts({
      ...options,
      waits: task => this.#open.set(task),
      succeeded: (task, outputs) => this.#succeeded(task, outputs),
      failed: (task, error) => this.#failed(task, error),
      batchSucceeded: (tasks, outputs) => this.#batchSucceeded(tasks, outputs),
      batchFailed: (tasks, error) => this.#batchFailed(tasks, error),
    })
    // The data of a batch are handled together, each with its own window: those of one key among them need not wait for each other.
    this.#keyOrder = agent.concurrency > 1 && agent.by !== undefined && agent.batch === undefined ? new KeyOrder() : undefined
    this.#gathering = agent.batch === undefined ? undefined : new GatheringBatch(agent.batch, clock, changed)
    this.#unlisten = breaker.listen(changed)
  }

  /** Attempts whose result is awaited. */
  get running(): number {
    return this.#attempts.running
  }

  /** What waits for time to pass: data to be tried again, a batch for others, all of it while the agent is paused. */
  get waiting(): number {
    const gathers = this.#gathering !== undefined && !this.#gathering.empty && !this.#gathering.ready
    return this.#waiting + (gathers ? 1 : 0) + (this.#options.breaker.paused ? 1 : 0)
  }

  /** Whether everything taken is finished. */
  get clear(): boolean {
    return this.#open.size === 0
  }

  /** The time in which something of the partition is in the handler's hands. */
  get busy(): BusyTime {
    return this.#attempts.busy
  }

  /** When the last attempt began. */
  get startedMs(): number {
    return this.#attempts.startedMs
  }

  get mayTake(): boolean {
    return (
      this.#hasSlot &&
      this.#mayBegin &&
      this.#ready.length === 0 &&
      this.#parts.length === 0 &&
      this.#gathering?.ready !== true &&
      (this.#keyOrder === undefined || this.#keyOrder.queued < this.#agent.concurrency * QUEUED_PER_SLOT) &&
      // An ordered agent holds back what follows a failing datum.
      !(this.#agent.ordered && this.#waiting > 0)
    )
  }

  /** Whether {@link resume} would run something. */
  get mayResume(): boolean {
    return this.#hasSlot && (this.#mayRunPart || this.#ready.some(task => this.#mayRun(task)))
  }

  take(task: Task): void {
    if (!this.#admit(task)) return
    if (this.#gathering === undefined) this.#run(task)
    else this.#gather(task, this.#gathering)
  }

  /** Runs what has waited for its time, its key, its batch or a free place. */
  resume(): void {
    if (this.#ready.length === 0 && this.#gathering === undefined) return
    const { clock } = this.#options
    this.busy.begin(clock.now())
    while (this.#hasSlot) {
      const index = this.#ready.findIndex(task => this.#mayRun(task))
      if (index >= 0) this.#run(this.#ready.splice(index, 1)[0]!)
      else if (this.#mayRunPart) this.#runPart()
      else break
    }
    this.busy.end(clock.now())
  }

  /** The batch that began at this offset has no more: what of it is open takes copies, or would keep it in memory. */
  detach(first: number): void {
    for (const task of this.#open.values(first)) task.detach()
  }

  /** Lets go of everything; what handlers in hand return is ignored, and their signals abort. */
  abort(reason: Error): void {
    for (const task of this.#open.values()) {
      task.cancel?.()
      if (task.stage === 'running') task.context?.abort(reason)
    }
    this.#attempts.forget()
    this.#open.clear()
    this.#ready.length = 0
    this.#parts.length = 0
    this.#gathering?.take()
    this.#held = []
    this.#cancelHold?.()
    this.#options.blocked(undefined)
    if (this.#breakerProbe !== undefined) this.#options.breaker.letGo()
    this.#unlisten()
  }

  get #hasSlot(): boolean {
    return this.#attempts.running < this.#agent.concurrency
  }

  /** Whether data may begin at all: not while what they need is away, nor while the agent is paused. */
  get #mayBegin(): boolean {
    return this.#held.length === 0 && this.#heldProbe === undefined && this.#options.breaker.lets
  }

  #mayRun(task: Task): boolean {
    const { breaker } = this.#options
    if (!this.#inTurn(task)) return false
    if (task === this.#breakerProbe) return !breaker.paused
    return task === this.#heldProbe ? breaker.lets : this.#mayBegin
  }

  get #mayRunPart(): boolean {
    if (!this.#mayBegin) return false
    const [first] = this.#parts[0] ?? (this.#gathering?.ready ? this.#gathering.tasks : [])
    return first !== undefined && this.#inTurn(first)
  }

  /** @returns false where another datum of its key is in hand: it waits for that. */
  #admit(task: Task): boolean {
    // One that is tried again in its turn has not let go of its key: another of it would come before, and wait for it.
    if (this.#keyOrder === undefined || task.hasKey || this.#keyOrder.enter(task)) return true
    this.#open.set(task)
    return false
  }

  #gather(task: Task, gathering: GatheringBatch): void {
    this.#open.set(task)
    // What is written down in the journal counts as it is, and what may have ended a thread is tried by itself.
    if (task.alone || this.#options.isRecorded(task)) {
      task.detach()
      if (!gathering.empty) this.#parts.push(gathering.take())
      this.#parts.push([task])
    } else {
      task.stage = 'gathering'
      gathering.add(task)
    }
    this.resume()
  }

  #runPart(): void {
    const tasks = this.#parts.shift() ?? this.#gathering!.take()
    // To see whether the agent works again one datum is enough.
    const others = this.#options.breaker.tries ? tasks.splice(1) : []
    if (others.length > 0) this.#parts.unshift(others)
    if (tasks.length === 1) this.#run(tasks[0]!)
    else {
      for (const task of tasks) this.#begin(task)
      this.#attempts.many(tasks)
    }
  }

  #run(task: Task): void {
    const recorded = this.#options.recorded(task)
    this.#begin(task)
    if (this.#gathering !== undefined && recorded === undefined) this.#attempts.many([task])
    else this.#attempts.one(task, recorded)
  }

  #begin(task: Task): void {
    task.attempts++
    task.stage = 'running'
    if (this.#options.breaker.begins()) this.#breakerProbe = task
  }

  #succeeded(task: Task, outputs: readonly Staged[]): void {
    task.outputs = outputs
    task.stage = 'finished'
    this.#options.breaker.done(task.ramped)
    if (task === this.#breakerProbe) this.#breakerProbe = undefined
    this.#answers()
    this.#releaseKey(task)
    if (!this.#agent.ordered || this.#open.size === 0) {
      this.#open.delete(task.offset)
      this.#options.finished(task)
      return
    }
    task.keep()
    this.#open.set(task)
    this.#finishInOrder()
  }

  #batchSucceeded(tasks: readonly Task[], staged: StagedBatch): void {
    if ('each' in staged) {
      tasks.forEach((task, i) => {
        this.#succeeded(task, staged.each[i]!)
      })
      return
    }
    const [first, ...members] = tasks
    // They finish with the first, so that all of them or none are in a unit of work.
    for (const member of members) this.#open.delete(member.offset)
    first!.members = members
    first!.causedBy(first!.memberIds)
    this.#succeeded(first!, staged.whole)
  }

  #failed(task: Task, error: unknown): void {
    const reason = blockedOn(error)
    if (reason !== undefined) {
      this.#hold(task, reason)
      return
    }
    // What was away has answered, even though this datum is none that it likes.
    if (task === this.#heldProbe) this.#answers()
    const { breaker } = this.#options
    if (!isFinal(error) && task.attempts < this.#agent.retry.attempts) {
      // The next of its key is held back only where there is an order to be kept; not behind the one that the breaker waits for, either.
      if (!this.#agent.ordered && task !== this.#breakerProbe) this.#releaseKey(task)
      this.#tryAgain(task, backoffMs(this.#agent.retry, task.attempts, this.#options.random))
    } else if (breaker.buries(task === this.#breakerProbe)) {
      breaker.failed(error, task.ramped)
      if (task === this.#breakerProbe) this.#breakerProbe = undefined
      this.#releaseKey(task)
      this.#open.delete(task.offset)
      this.#options.dead(task, error)
      if (this.#agent.ordered) this.#finishInOrder()
    } else {
      // It was in hand when the agent was paused, and has one more attempt when that goes on.
      if (task === this.#breakerProbe) this.#breakerProbe = undefined
      task.attempts--
      task.detach()
      this.#open.set(task)
      this.#makeReady(task)
    }
  }

  /** One of them is at fault and nobody knows which: their halves are tried, until it is by itself. Only there does an attempt count. */
  #batchFailed(tasks: readonly Task[], error: unknown): void {
    if (tasks.length === 1) {
      this.#failed(tasks[0]!, error)
      return
    }
    const reason = blockedOn(error)
    for (const task of tasks) {
      task.detach()
      task.stage = 'ready'
      this.#open.set(task)
      if (reason !== undefined) this.#hold(task, reason)
      else task.attempts--
    }
    if (reason !== undefined) return
    const half = Math.ceil(tasks.length / 2)
    this.#parts.unshift(tasks.slice(0, half), tasks.slice(half))
  }

  #tryAgain(task: Task, waitMs: number): void {
    const { clock, progress, topicIndex, partition, changed } = this.#options
    this.#wait(task)
    const row = progress.fail(topicIndex, partition, task.offset, task.attempts, clock.now())
    const cancelWait = clock.after(waitMs, () => {
      progress.end(row)
      task.cancel = undefined
      this.#endWait(task)
      changed()
    })
    task.cancel = () => {
      progress.end(row)
      cancelWait()
    }
  }

  #wait(task: Task): void {
    task.detach()
    task.context = undefined
    task.stage = 'waiting'
    this.#waiting++
    this.#open.set(task)
  }

  #endWait(task: Task): void {
    this.#waiting--
    this.#makeReady(task)
  }

  #makeReady(task: Task): void {
    task.stage = 'ready'
    if (this.#admit(task)) this.#ready.push(task)
  }

  /** The attempt does not count: what the datum needs is away. */
  #hold(task: Task, reason: string): void {
    task.attempts--
    this.#wait(task)
    this.#held.push(task)
    if (task === this.#heldProbe) this.#heldProbe = undefined
    if (task === this.#breakerProbe) {
      // Whoever is let through next to see whether what is away is back tells of the agent, too.
      this.#breakerProbe = undefined
      this.#options.breaker.letGo()
    }
    if (this.#cancelHold !== undefined) return
    const { clock, random, changed, blocked } = this.#options
    blocked(reason)
    this.#cancelHold = clock.after(backoffMs(this.#agent.retry, ++this.#holds, random), () => {
      this.#cancelHold = undefined
      // The first of them: an ordered agent runs nothing else.
      const probe = this.#held.reduce((first, other) => (other.offset < first.offset ? other : first))
      this.#held = this.#held.filter(other => other !== probe)
      this.#heldProbe = probe
      this.#endWait(probe)
      changed()
    })
  }

  /** What was away is there: all that waited for it go on. */
  #answers(): void {
    if (this.#held.length === 0 && this.#heldProbe === undefined) return
    this.#cancelHold?.()
    this.#cancelHold = undefined
    this.#heldProbe = undefined
    this.#holds = 0
    const held = this.#held.toSorted((a, b) => a.offset - b.offset)
    this.#held = []
    for (const task of held) this.#endWait(task)
    this.#options.blocked(undefined)
    this.#options.changed()
  }

  #finishInOrder(): void {
    for (const task of this.#open.takeFinished()) this.#options.finished(task)
  }

  #releaseKey(task: Task): void {
    const next = this.#keyOrder?.leave(task)
    if (next === undefined) return
    next.stage = 'ready'
    this.#ready.push(next)
  }

  /** Whether an ordered agent may run it: not while one before it waits to be tried again. */
  #inTurn(task: Task): boolean {
    return !this.#agent.ordered || this.#waiting === 0 || !this.#open.waitsBefore(task)
  }
}
