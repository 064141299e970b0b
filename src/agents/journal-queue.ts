import type { Journal, JournalRun } from './journal.ts'
import type { Staged } from './outputs.ts'
import type { Task } from './task.ts'

const MAX_RUNS = 1_000
const MAX_WAITING = 2 * MAX_RUNS

/** Runs on their way through the journal, in order, many to an append. What comes out of it may take effect. */
export class JournalQueue {
  readonly #journal: Pick<Journal, 'record'>
  readonly #finished: (task: Task, outputs: readonly Staged[]) => void
  readonly #changed: () => void
  readonly #failed: (error: unknown) => void
  #waiting: Task[] = []
  #recording = false
  #over = false

  /** @param on.finished called for each run, in the order of {@link add}, with the outputs that count. */
  constructor(
    journal: Pick<Journal, 'record'>,
    on: {
      readonly finished: (task: Task, outputs: readonly Staged[]) => void
      readonly changed: () => void
      readonly failed: (error: unknown) => void
    },
  ) {
    this.#journal = journal
    this.#finished = on.finished
    this.#changed = on.changed
    this.#failed = on.failed
  }

  get idle(): boolean {
    return this.#waiting.length === 0 && !this.#recording
  }

  get isFull(): boolean {
    return this.#waiting.length >= MAX_WAITING
  }

  add(task: Task): void {
    // It outlives this turn, and with it its batch's bytes.
    task.detach()
    this.#waiting.push(task)
    if (this.#recording) return
    this.#recording = true
    // What else finishes in this turn goes with it.
    setImmediate(() => void this.#record())
  }

  /** The lease is over: nothing that comes back counts any more. */
  discard(): void {
    this.#over = true
    this.#waiting = []
  }

  async #record(): Promise<void> {
    while (this.#waiting.length > 0) {
      const tasks = this.#waiting.splice(0, MAX_RUNS)
      try {
        const counting = await this.#journal.record(tasks.map(runOf))
        if (this.#over) return
        tasks.forEach((task, i) => {
          this.#finished(task, counting[i]!)
        })
        this.#changed()
      } catch (error) {
        if (!this.#over) this.#failed(error)
        return
      }
    }
    this.#recording = false
    this.#changed()
  }
}

function runOf(task: Task): JournalRun {
  const { id, idAt, offset, outputs, members } = task
  return { id, idAt, offset, outputs, ...(members.length === 0 ? {} : { members: task.memberIds }) }
}
