import type { Job } from '../remote.ts'

const FIRST_CAPACITY = 64

/**
 * Jobs that nobody has yet, first in first out. A ring: an array that grows at one end and shrinks at the other leaves copies of itself behind,
 * and one of them that has grown old keeps alive what went through it, until the next collection of all.
 */
export class JobQueue {
  #slots: (Job | undefined)[]
  #first = 0
  #length = 0

  constructor(jobs: readonly Job[] = []) {
    this.#slots = new Array<Job | undefined>(capacityFor(jobs.length)).fill(undefined)
    for (const job of jobs) this.push(job)
  }

  get length(): number {
    return this.#length
  }

  /** @param index from 0, the next one, below {@link length}. */
  at(index: number): Job {
    return this.#slots[(this.#first + index) & (this.#slots.length - 1)]!
  }

  push(job: Job): void {
    this.#makeRoom(1)
    this.#slots[(this.#first + this.#length++) & (this.#slots.length - 1)] = job
  }

  /** Before all others, in their order. */
  putBack(jobs: readonly Job[]): void {
    this.#makeRoom(jobs.length)
    this.#first = (this.#first - jobs.length) & (this.#slots.length - 1)
    this.#length += jobs.length
    for (const [i, job] of jobs.entries()) this.#slots[(this.#first + i) & (this.#slots.length - 1)] = job
  }

  /** Lets go of the first `count`. */
  drop(count: number): void {
    const mask = this.#slots.length - 1
    for (let i = 0; i < count; i++) this.#slots[(this.#first + i) & mask] = undefined
    this.#first = (this.#first + count) & mask
    this.#length -= count
  }

  /** Lets go of those for which nobody waits any more. */
  dropAborted(): void {
    const wanted = [...this].filter(job => !job.aborted)
    this.drop(this.#length)
    for (const job of wanted) this.push(job)
  }

  *[Symbol.iterator](): Generator<Job> {
    for (let index = 0; index < this.#length; index++) yield this.at(index)
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#slots.length) return
    const jobs = [...this]
    this.#slots.fill(undefined)
    this.#slots = new Array<Job | undefined>(capacityFor(this.#length + more)).fill(undefined)
    for (const [i, job] of jobs.entries()) this.#slots[i] = job
    this.#first = 0
  }
}

/** A power of two. */
function capacityFor(jobs: number): number {
  let capacity = FIRST_CAPACITY
  while (capacity < jobs) capacity *= 2
  return capacity
}
