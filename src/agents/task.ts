import { ID_BYTES } from '../envelope/data-id.ts'
import { createdMsAt, FLAG_SUPPLIED_ID, sourceAt } from '../envelope/frame.ts'
import type { HandledFrame } from './handler-context.ts'
import type { Staged } from './outputs.ts'

/** Where the id lies in a frame (envelope/frame.ts). */
const ID_IN_FRAME = 20
const FLAGS_IN_FRAME = 4

/**
 * A datum in the runner's hands.
 *
 *   ready → running → finished          the usual way; a handler that does not wait passes through within one call
 *   running → waiting → ready           it failed, or what it needs is away, and is tried again after a while
 *   ready → gathering → running         it waits for others that are handled with it
 *   running → ready                     its batch is halved, or the agent is paused
 *   queued → ready                      another datum of its key was running
 *
 * `finished` with outputs: done, to be written in its turn. A datum that fails for good leaves at once.
 */
export type TaskStage = 'queued' | 'ready' | 'gathering' | 'running' | 'waiting' | 'finished'

export class Task implements HandledFrame {
  readonly offset: number
  readonly topic: string
  readonly value: unknown
  /** Of the window, the state, and what runs one after the other; undefined where the agent has no `by`. */
  readonly key: string | undefined
  readonly window: readonly unknown[]
  readonly state: unknown
  /** When the oldest of what it was fetched with was appended. */
  readonly appendedMs: number
  /** The frame, in the batch's bytes until {@link detach}. */
  bytes: Buffer
  start: number
  end: number
  /** Ids: the datum's, then the rest of its window's; the source's own buffer until {@link keep}. */
  parents: Uint8Array
  stage: TaskStage = 'ready'
  attempts = 0
  /** Given to the version that gets a share (`ramp.ts`). */
  ramped = false
  outputs: readonly Staged[] = []
  /** Data that were handled with this one as a whole: the outputs are of all of them, and they finish with it. */
  members: readonly Task[] = NO_MEMBERS
  /** No other datum of its key is begun before it lets go of that (key-order.ts). */
  hasKey = false
  /** A process before this one may have ended with it in hand. */
  noted = false
  /** It may be what ended a thread before: it runs by itself, so that it alone is blamed. */
  alone = false
  context: { abort(reason: Error): void } | undefined
  /** Cancels the wait before the next attempt. */
  cancel: (() => void) | undefined
  #isKept = false
  #isDetached = false

  constructor(
    frame: HandledFrame,
    offset: number,
    value: unknown,
    past: { readonly key: string | undefined; readonly window: readonly unknown[]; readonly state: unknown },
    parents: Uint8Array,
    appendedMs: number,
  ) {
    this.bytes = frame.bytes
    this.start = frame.start
    this.end = frame.end
    this.topic = frame.topic
    this.offset = offset
    this.value = value
    this.key = past.key
    this.window = past.window
    this.state = past.state
    this.parents = parents
    this.appendedMs = appendedMs
  }

  get id(): Uint8Array {
    return this.bytes
  }

  get idAt(): number {
    return this.start + ID_IN_FRAME
  }

  get createdMs(): number {
    return createdMsAt(this.bytes, this.start)
  }

  get source(): string {
    return sourceAt(this.bytes, this.start)
  }

  /** Its producer gave its id. */
  get supplied(): boolean {
    return (this.bytes[this.start + FLAGS_IN_FRAME]! & FLAG_SUPPLIED_ID) !== 0
  }

  get frame(): Uint8Array {
    return this.bytes.subarray(this.start, this.end)
  }

  /** Its outputs come of it and of the data whose ids these are, in place of its window. */
  causedBy(others: Uint8Array): void {
    this.parents = Buffer.concat([this.bytes.subarray(this.idAt, this.idAt + ID_BYTES), others])
  }

  /** Of {@link members}. */
  get memberIds(): Uint8Array {
    return Buffer.concat(this.members.map(({ bytes, idAt }) => bytes.subarray(idAt, idAt + ID_BYTES)))
  }

  /** Takes copies of what the next datum overwrites, for it outlives this turn. */
  keep(): void {
    if (this.#isKept) return
    this.#isKept = true
    this.parents = Buffer.from(this.parents)
  }

  /**
   * Takes copies of its frame and ids, for it outlives its batch: else one waiting datum would keep that in memory as a whole. (A value of bytes is
   * still a view of it.)
   */
  detach(): void {
    this.keep()
    if (this.#isDetached) return
    this.#isDetached = true
    this.bytes = Buffer.from(this.frame)
    this.end -= this.start
    this.start = 0
  }
}

const NO_MEMBERS: readonly Task[] = []
