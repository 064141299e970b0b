import type { Task } from './task.ts'

const FIRST_CAPACITY = 64

/**
 * Tasks by their offsets, in the order of offsets. An array and no Map: a Map leaves its table behind whenever it has filled up, and one that has
 * grown old keeps alive, until the next collection of all, whatever came and went through its successors.
 */
export class OpenTasks {
  /** The task of an offset is at offset modulo length, which is a power of two. */
  #slots = new Array<Task | undefined>(FIRST_CAPACITY).fill(undefined)
  /** All open offsets are in [first, end). */
  #first = 0
  #end = 0
  #size = 0

  get size(): number {
    return this.#size
  }

  set(task: Task): void {
    const { offset } = task
    if (this.#size === 0) this.#first = this.#end = offset
    const first = Math.min(this.#first, offset)
    const end = Math.max(this.#end, offset + 1)
    if (end - first > this.#slots.length) this.#grow(end - first)
    this.#first = first
    this.#end = end
    const at = offset & (this.#slots.length - 1)
    if (this.#slots[at] === undefined) this.#size++
    this.#slots[at] = task
  }

  delete(offset: number): void {
    if (offset < this.#first || offset >= this.#end) return
    const mask = this.#slots.length - 1
    if (this.#slots[offset & mask] === undefined) return
    this.#slots[offset & mask] = undefined
    this.#size--
    while (this.#first < this.#end && this.#slots[this.#first & mask] === undefined) this.#first++
  }

  clear(): void {
    this.#slots.fill(undefined)
    this.#size = 0
  }

  /** @param from an offset: those before it are left out. */
  *values(from = this.#first): Generator<Task> {
    for (let offset = Math.max(from, this.#first); offset < this.#end; offset++) {
      const task = this.#slots[offset & (this.#slots.length - 1)]
      if (task !== undefined) yield task
    }
  }

  /** Those that are finished, up to the first that is not; they are not open any more. */
  *takeFinished(): Generator<Task> {
    for (const task of this.values()) {
      if (task.stage !== 'finished') return
      this.delete(task.offset)
      yield task
    }
  }

  /** Whether one before it waits to be tried again. */
  waitsBefore({ offset }: Task): boolean {
    for (const task of this.values()) {
      if (task.offset >= offset) return false
      if (task.stage === 'waiting') return true
    }
    return false
  }

  #grow(span: number): void {
    const old = this.#slots
    let capacity = old.length
    while (capacity < span) capacity *= 2
    this.#slots = new Array<Task | undefined>(capacity).fill(undefined)
    for (const task of old) if (task !== undefined) this.#slots[task.offset & (capacity - 1)] = task
    old.fill(undefined)
  }
}
