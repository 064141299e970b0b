import { randomBytes } from 'node:crypto'
import type { Job } from '../remote.ts'
import { encoded } from './encoded.ts'
import type { JobQueue } from './job-queue.ts'
import type { Answer } from './messages.ts'

/** A batch is closed when it has so many bytes. */
const BATCH_BYTES = 1024 * 1024
const TOKEN_BYTES = 16

/** Data in the hands of one worker, numbered from 0 in its answers. */
export class Claim {
  /** Random, so that one of a process that is gone is never taken for another of the next. */
  readonly token = randomBytes(TOKEN_BYTES).toString('base64url')
  /** Whether its only datum was given out by itself, to see what becomes of it. */
  readonly isTrial: boolean
  /** When nothing of it may be unanswered any longer. */
  dueMs: number
  readonly #jobs: (Job | undefined)[]
  #left: number

  private constructor(jobs: Job[], isTrial: boolean, dueMs: number) {
    this.#jobs = jobs
    this.#left = jobs.length
    this.isTrial = isTrial
    this.dueMs = dueMs
  }

  /**
   * Takes jobs from the queue's beginning, at most so many and about a megabyte. What nobody waits for any more is dropped, and what cannot
   * be written as JSON fails. @returns the claim and its data as JSON; undefined where none was left to take.
   */
  static of(queue: JobQueue, most: number, isTrial: boolean, dueMs: number): { claim: Claim; data: string } | undefined {
    const jobs: Job[] = []
    const items: string[] = []
    let bytes = 0
    let taken = 0
    for (; taken < queue.length && jobs.length < most && bytes < BATCH_BYTES; taken++) {
      const job = queue.at(taken)
      if (job.aborted) continue
      try {
        const item = encoded(jobs.length, job)
        items.push(item)
        bytes += item.length
        jobs.push(job)
      } catch (error) {
        job.failed(error)
      }
    }
    queue.drop(taken)
    return jobs.length === 0 ? undefined : { claim: new Claim(jobs, isTrial, dueMs), data: items.join(',') }
  }

  /** How many are not answered. */
  get left(): number {
    return this.#left
  }

  /** Whether the lease under which they were given out has ended: nobody waits for their answers any more. */
  get isOver(): boolean {
    return this.#jobs.some(job => job?.aborted)
  }

  /** Whether it has, or had, a datum of this number. */
  has(n: number): boolean {
    return Number.isInteger(n) && n >= 0 && n < this.#jobs.length
  }

  /** What became of one of its data. @returns false where that was said before: the first time counts. */
  answer(answer: Answer): boolean {
    const job = this.#jobs[answer.n]
    if (job === undefined) return false
    this.#jobs[answer.n] = undefined
    this.#left--
    if ('error' in answer) job.failed(answer.error)
    else job.done(answer.outputs)
    return true
  }

  /** What is not answered and somebody waits for, in its order. */
  rest(): Job[] {
    return this.#jobs.filter(job => job !== undefined).filter(({ aborted }) => !aborted)
  }
}
