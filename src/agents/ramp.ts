import { partitionOfKey } from '../stream/partition.ts'
import type { Agent } from './agent.ts'
import type { Worker } from './attempts.ts'
import type { Task } from './task.ts'

/** So fine a share can be told. */
const STEPS = 100_000

/**
 * A version that gets a share of the keys of the one whose place it is to take over. Both are in one group, at one place, with one fold and one
 * edition: whatever the share is and becomes, each datum is given to one of them, once, and its outputs have the same ids from either.
 */
export class Ramp {
  readonly worker: Worker
  readonly version: number
  readonly #agent: Agent
  readonly #below: number

  /** @param worker of the version that comes; @param share 0 to 1. */
  constructor(agent: Agent, { agent: next, share }: NonNullable<Agent['ramps']>, worker: Worker) {
    this.worker = worker
    this.version = next.version
    this.#agent = agent
    this.#below = Math.round(share * STEPS)
  }

  /** Whether the datum is for the version that comes: as long as the share does not fall, what was once is again. */
  takes(task: Task): boolean {
    if (this.#below === 0) return false
    return partitionOfKey(`${this.#keyOf(task)}\0ramp`, STEPS) < this.#below
  }

  /** Of `by`, or the topic's, or else the datum's id. */
  #keyOf(task: Task): string {
    if (task.key !== undefined) return task.key
    const { by, from } = this.#agent
    if (by !== undefined) return by(task.value)
    const topic = from.find(({ name }) => name === task.topic)
    return topic?.keyOf?.(task.value) ?? Buffer.from(task.id.buffer, task.id.byteOffset + task.idAt, 16).toString('hex')
  }
}
