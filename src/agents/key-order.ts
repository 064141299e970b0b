import type { Task } from './task.ts'

/** Lets data of one key pass one after the other; those of other keys go past them. Who has entered has the key until it leaves, whatever it waits for. */
export class KeyOrder {
  /** The keys in hand, each with those that wait behind. */
  readonly #keys = new Map<string, Task[]>()
  #queued = 0

  /** Data that wait behind others. */
  get queued(): number {
    return this.#queued
  }

  /** @returns whether it may run now; else it waits until {@link leave} gives it out. */
  enter(task: Task): boolean {
    if (task.key === undefined) return true
    const behind = this.#keys.get(task.key)
    if (behind === undefined) {
      this.#keys.set(task.key, [])
      task.hasKey = true
      return true
    }
    task.detach()
    task.stage = 'queued'
    this.#queued++
    // One that is tried again comes before those that have not begun.
    if (task.attempts > 0) behind.unshift(task)
    else behind.push(task)
    return false
  }

  /** The datum lets go of its key. @returns the next that has it. */
  leave(task: Task): Task | undefined {
    if (task.key === undefined) return undefined
    task.hasKey = false
    const next = this.#keys.get(task.key)?.shift()
    if (next === undefined) this.#keys.delete(task.key)
    else {
      this.#queued--
      next.hasKey = true
    }
    return next
  }
}
