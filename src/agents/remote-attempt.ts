import { formatId } from '../envelope/data-id.ts'
import type { Staged } from './outputs.ts'
import type { Job } from './remote.ts'
import type { Task } from './task.ts'

/** What is told of attempts that remotes have in hand, each by itself, once. */
export interface RemoteAttemptEnds {
  /** @throws OUTPUT_INVALID */
  readonly stage: (outputs: readonly unknown[]) => readonly Staged[] | Promise<readonly Staged[]>
  /** With its outputs, or without them by an error. */
  readonly ended: (attempt: RemoteAttempt, staged: readonly Staged[] | undefined, error?: unknown) => void
  /** The lease has ended. */
  readonly letGo: (attempt: RemoteAttempt) => void
}

/** A datum in a remote's hands. What the remote makes of it counts once, and not after its lease has ended. */
export class RemoteAttempt implements Job {
  readonly task: Task
  readonly attempt: number
  /** Of the progress that is shown. */
  readonly row: number
  aborted = false
  readonly #ends: RemoteAttemptEnds
  /** Its outputs may still be on the way through an asynchronous schema. */
  #isAnswered = false
  #isOver = false

  constructor(task: Task, row: number, ends: RemoteAttemptEnds) {
    this.task = task
    this.attempt = task.attempts
    this.row = row
    this.#ends = ends
  }

  get datum(): unknown {
    return this.task.value
  }
  get dataId(): string {
    return formatId(this.task.id, this.task.idAt)
  }
  get source(): string {
    return this.task.source
  }
  get createdMs(): number {
    return this.task.createdMs
  }
  get topic(): string {
    return this.task.topic
  }
  get window(): readonly unknown[] {
    return this.task.window
  }
  get state(): unknown {
    return this.task.state
  }

  done(outputs: readonly unknown[]): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    let staged: readonly Staged[] | Promise<readonly Staged[]>
    try {
      staged = this.#ends.stage(outputs)
    } catch (error) {
      this.#end(undefined, error)
      return
    }
    if (!(staged instanceof Promise)) this.#end(staged)
    else
      staged.then(
        done => this.#end(done),
        error => this.#end(undefined, error),
      )
  }

  failed(error: unknown): void {
    if (this.#isAnswered) return
    this.#isAnswered = true
    this.#end(undefined, error)
  }

  abort(): void {
    this.aborted = true
    if (this.#isOver) return
    this.#isOver = true
    this.#ends.letGo(this)
  }

  #end(staged: readonly Staged[] | undefined, error?: unknown): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#ends.ended(this, staged, error)
  }
}
