import type { Clock } from '../clock.ts'
import { MillraceError } from '../errors.ts'
import type { BatchPolicy } from './policies.ts'
import { isPending } from './results.ts'
import type { Task } from './task.ts'

/** The batch that gathers: it may run when it is full, or when its first datum has waited long enough. */
export class GatheringBatch {
  readonly #policy: BatchPolicy
  readonly #clock: Clock
  readonly #due: () => void
  #tasks: Task[] = []
  #cancel: (() => void) | undefined
  #late = false

  /** @param due called when the first has waited long enough. */
  constructor(policy: BatchPolicy, clock: Clock, due: () => void) {
    this.#policy = policy
    this.#clock = clock
    this.#due = due
  }

  get empty(): boolean {
    return this.#tasks.length === 0
  }

  get tasks(): readonly Task[] {
    return this.#tasks
  }

  get full(): boolean {
    return this.#tasks.length >= this.#policy.size
  }

  get ready(): boolean {
    return this.full || this.#late
  }

  add(task: Task): void {
    // It waits here, and would keep its whole record batch in memory.
    task.detach()
    this.#tasks.push(task)
    this.#cancel ??= this.#clock.after(this.#policy.waitMs, () => {
      this.#late = true
      this.#due()
    })
  }

  take(): Task[] {
    const tasks = this.#tasks
    this.#tasks = []
    this.#late = false
    this.#cancel?.()
    this.#cancel = undefined
    return tasks
  }
}

/** What a handler of batches has returned, a list of results as long as its data. @throws OUTPUT_INVALID */
export function resultsOfEach(result: unknown, count: number): readonly unknown[] {
  if (Array.isArray(result) && result.length === count) return result
  const got = Array.isArray(result)
    ? `a list of ${result.length}`
    : result === null
      ? 'null'
      : `${isPending(result) ? 'a stream' : typeof result}`
  throw new MillraceError('OUTPUT_INVALID', `The handler of a batch of ${count} data returned ${got}.`, {
    fix: "Return a list with the outputs of each datum, in the data's order (undefined where it has none), or declare batch: { outputs: 'batch' }.",
  })
}
