import type { PortableError } from '../errors.ts'
import type { Agent } from './agent.ts'
import { replayTopic } from './dead-letter.ts'

/**
 * What an agent's thread has in hand, in memory that another thread can read while a handler spins and no message gets through.
 * The runner writes one row for each attempt in progress, and for each datum that waits to be tried again; the supervisor reads.
 *
 * A row is six float64 (topic index, partition, offset, attempt, started ms, end: one beyond the last offset of a batch). `CURRENT` names the row whose handler is on the
 * stack right now, so a spinning one is told from those that merely wait.
 */
const ROWS = 64
const ROW_NUMBERS = 6
const HEADER_INTS = 2 + ROWS
const CURRENT = 0
const NOBODY = -1
/** What a row holds. */
const FREE = 0
const RUNNING = 1
const FAILING = 2
/** A row that is none: more attempts wait than there are rows, or what is waited for is no handler. */
export const UNSEEN = -1
/** Kept free for the handler on the stack: the one that kills its thread must be known, however many wait. */
const STACK_ROW = ROWS - 1
/** Data that wait to be tried again leave so many rows to attempts: whoever ends a thread is among those. */
const KEPT_FROM_FAILING = ROWS / 2

/** One attempt in progress. `topic` is the index in {@link progressTopics}. */
export interface InHand {
  readonly topic: number
  readonly partition: number
  readonly offset: number
  /** Beyond the last offset that is in hand with it. */
  readonly end: number
  readonly attempt: number
  readonly startedMs: number
  /** Its handler is on the stack: the thread does nothing else until it returns. */
  readonly current: boolean
}

/** A datum that has failed and waits to be tried again. */
export interface Failing {
  readonly topic: number
  readonly partition: number
  readonly offset: number
  /** Attempts used so far. */
  readonly attempts: number
  readonly sinceMs: number
}

/** A datum that was in hand when its thread had to be ended. The runner counts the attempts as used; where the agent takes batches it runs it by itself. */
export interface Suspect {
  readonly topic: string
  readonly partition: number
  readonly offset: number
  /**
   * Attempts used so far. Where they are all used, the datum is dead with `reason` and is not run again. None is used of a datum that was one of
   * many.
   */
  readonly attempts: number
  readonly reason: PortableError
}

/** The topics that {@link InHand} counts by, also the order in which the runner subscribes to them: the agent's own, then its replay topic. */
export function progressTopics(agent: Pick<Agent, 'name' | 'version' | 'from'>): readonly { readonly name: string }[] {
  return [...agent.from, { name: replayTopic(agent) }]
}

export class Progress {
  readonly shared: SharedArrayBuffer
  readonly #states: Int32Array
  readonly #rows: Float64Array
  readonly #free: number[] = []

  /** @param shared of the thread that writes; a new one where there is none yet. */
  constructor(shared: SharedArrayBuffer = new SharedArrayBuffer(HEADER_INTS * 4 + ROWS * ROW_NUMBERS * 8)) {
    this.shared = shared
    this.#states = new Int32Array(shared, 0, HEADER_INTS)
    this.#rows = new Float64Array(shared, HEADER_INTS * 4, ROWS * ROW_NUMBERS)
    for (let row = STACK_ROW - 1; row >= 0; row--) this.#free.push(row)
  }

  /** Called by the runner as it starts: what a thread before it left there is gone. */
  reset(): void {
    this.#states.fill(0)
    Atomics.store(this.#states, CURRENT, NOBODY)
  }

  /** A handler is about to be called. @returns the row to give to {@link wait} or {@link end}. */
  begin(topic: number, partition: number, offset: number, attempt: number, startedMs: number, end: number = offset + 1): number {
    const row = this.#free.pop() ?? STACK_ROW
    this.#write(row, RUNNING, topic, partition, offset, attempt, startedMs, end)
    Atomics.store(this.#states, CURRENT, row)
    return row
  }

  /** The datum is given to a program, which is not on the stack. @returns the row to give to {@link end}. */
  elsewhere(topic: number, partition: number, offset: number, attempt: number, startedMs: number): number {
    const row = this.#free.pop() ?? UNSEEN
    if (row !== UNSEEN) this.#write(row, RUNNING, topic, partition, offset, attempt, startedMs, offset + 1)
    return row
  }

  /** The datum has failed and waits for its next attempt. @returns the row to give to {@link end} when it waits no longer. */
  fail(topic: number, partition: number, offset: number, attempts: number, sinceMs: number): number {
    if (this.#free.length <= KEPT_FROM_FAILING) return UNSEEN
    const row = this.#free.pop() ?? UNSEEN
    if (row !== UNSEEN) this.#write(row, FAILING, topic, partition, offset, attempts, sinceMs, offset + 1)
    return row
  }

  /** The handler has returned a promise: it is in hand still, and no longer on the stack. @returns the row to give to {@link end}. */
  wait(row: number): number {
    Atomics.store(this.#states, CURRENT, NOBODY)
    if (row !== STACK_ROW) return row
    this.end(row)
    return UNSEEN
  }

  end(row: number): void {
    if (row === UNSEEN) return
    Atomics.store(this.#states, 2 + row, FREE)
    if (this.#states[CURRENT] === row) Atomics.store(this.#states, CURRENT, NOBODY)
    if (row !== STACK_ROW) this.#free.push(row)
  }

  /** Every attempt in hand, the one on the stack first; empty when the agent is idle. */
  inHand(): InHand[] {
    const current = Atomics.load(this.#states, CURRENT)
    const found: InHand[] = []
    for (let row = 0; row < ROWS; row++) {
      if (Atomics.load(this.#states, 2 + row) !== RUNNING) continue
      const { attempts: attempt, sinceMs: startedMs, ...place } = this.#read(row)
      const inHand = { ...place, attempt, startedMs, current: row === current }
      if (inHand.current) found.unshift(inHand)
      else found.push(inHand)
    }
    return found
  }

  /** Every datum that waits to be tried again, as far as there are rows for them. */
  failing(): Failing[] {
    const found: Failing[] = []
    for (let row = 0; row < ROWS; row++) {
      if (Atomics.load(this.#states, 2 + row) !== FAILING) continue
      const { end: _, ...failing } = this.#read(row)
      found.push(failing)
    }
    return found
  }

  #write(
    row: number,
    state: number,
    topic: number,
    partition: number,
    offset: number,
    attempts: number,
    sinceMs: number,
    end: number,
  ): void {
    const at = row * ROW_NUMBERS
    const rows = this.#rows
    rows[at] = topic
    rows[at + 1] = partition
    rows[at + 2] = offset
    rows[at + 3] = attempts
    rows[at + 4] = sinceMs
    rows[at + 5] = end
    // The row is published after its numbers, so that a reader never takes those of the attempt before for this one's.
    Atomics.store(this.#states, 2 + row, state)
  }

  #read(row: number): Failing & { readonly end: number } {
    const [topic, partition, offset, attempts, sinceMs, end] = this.#rows.subarray(row * ROW_NUMBERS, (row + 1) * ROW_NUMBERS)
    return { topic: topic!, partition: partition!, offset: offset!, attempts: attempts!, sinceMs: sinceMs!, end: end! }
  }
}
