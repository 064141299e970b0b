import { ID_BYTES } from '../envelope/data-id.ts'
import type { FrameCursor } from '../envelope/frame.ts'
import { MillraceError } from '../errors.ts'
import { partitionOfId, partitionOfKey } from '../stream/partition.ts'
import type { Topic } from '../stream/topic.ts'
import { COPY, DEAD, DONE } from '../trace/trace.ts'
import type { Agent } from './agent.ts'
import type { Outcome } from './checkpoint-tracker.ts'
import { type Decoded, decode } from './decode.ts'
import { type Fold, NO_WINDOW } from './fold.ts'

/** What a datum's handler will see of the past, and what its attempts are kept in order by. */
export interface Past {
  readonly key: string | undefined
  readonly window: readonly unknown[]
  readonly state: unknown
}

/** How the data of one partition are understood: as an agent's own topic, or as what was put again into its replay topic. */
export interface Source {
  /** A datum that is skipped is decoded all the same: its key's window must not miss it. */
  readonly foldsSkipped: boolean
  /** What a datum counts as that is not handled, by its claim state; undefined where it is handled. */
  skipped(claim: number): Outcome | undefined
  /** Whether the log has held the datum before, as far as that is known without the trace. Asked once for each datum, in the log's order. */
  isCopy(cursor: FrameCursor): boolean
  topicOf(cursor: FrameCursor): string
  decode(cursor: FrameCursor): Decoded | Promise<Decoded>
  /** Called once for each datum, in the log's order. @throws what `by` and `update` throw */
  past(value: unknown, cursor: FrameCursor): Past
  /** Ids of the datum that {@link past} was called with last, its own first. Overwritten by the next. */
  readonly parents: Uint8Array
}

/** A partition of one of the agent's own topics. */
export class OwnSource implements Source {
  readonly foldsSkipped: boolean
  readonly #topic: Topic
  readonly #fold: Fold | undefined
  readonly #by: Agent['by']
  readonly #own = Buffer.allocUnsafe(ID_BYTES)

  constructor(agent: Agent, topic: Topic, fold: Fold | undefined) {
    this.foldsSkipped = fold !== undefined
    this.#topic = topic
    this.#fold = fold
    this.#by = agent.concurrency > 1 ? agent.by : undefined
  }

  skipped(claim: number): Outcome | undefined {
    if (claim < DEAD) return undefined
    if (claim === DONE) return 'done'
    return claim === DEAD ? 'dead' : 'duplicate'
  }

  isCopy(cursor: FrameCursor): boolean {
    return this.#fold?.isCopy(cursor) === true
  }

  topicOf(): string {
    return this.#topic.name
  }

  decode(cursor: FrameCursor): Decoded | Promise<Decoded> {
    return decode(cursor, this.#topic)
  }

  past(value: unknown, cursor: FrameCursor): Past {
    if (this.#fold !== undefined) return this.#fold.take(value, cursor.bytes, cursor.idAt, cursor.createdMs)
    for (let i = 0; i < ID_BYTES; i++) this.#own[i] = cursor.bytes[cursor.idAt + i]!
    return this.#by === undefined ? NO_PAST : { key: this.#by(value), window: NO_WINDOW, state: undefined }
  }

  get parents(): Uint8Array {
    return this.#fold === undefined ? this.#own : this.#fold.parents
  }
}

/**
 * The agent's replay topic: dead letters put again. Each belongs to one of the agent's topics; it sees that topic's window and state as
 * they are now, with itself last, and is not folded again.
 */
export class ReplaySource implements Source {
  readonly foldsSkipped = false
  readonly #agent: Agent
  readonly #folds: ReadonlyMap<string, Fold>
  #parents: Uint8Array = new Uint8Array(0)

  /** @param folds by {@link placeName}. */
  constructor(agent: Agent, folds: ReadonlyMap<string, Fold>) {
    this.#agent = agent
    this.#folds = folds
  }

  /** Only what is done is skipped: being dead is why a datum is here. */
  skipped(claim: number): Outcome | undefined {
    if (claim === DONE) return 'done'
    return claim === COPY ? 'duplicate' : undefined
  }

  isCopy(): boolean {
    return false
  }

  topicOf(cursor: FrameCursor): string {
    return cursor.type
  }

  decode(cursor: FrameCursor): Decoded | Promise<Decoded> {
    const topic = this.#topicOf(cursor)
    if (topic !== undefined) return decode(cursor, topic)
    return {
      error: new MillraceError('DATUM_INVALID', `The datum is of topic '${cursor.type}', which the agent no longer reads.`, {
        fix: "Name the topic in the agent's 'from', or discard the letter.",
      }),
    }
  }

  past(value: unknown, cursor: FrameCursor): Past {
    const fold = this.#foldOf(value, cursor)
    if (fold !== undefined) {
      const past = fold.look(value, cursor.bytes, cursor.idAt)
      this.#parents = fold.parents
      return past
    }
    this.#parents = Buffer.from(cursor.bytes.subarray(cursor.idAt, cursor.idAt + ID_BYTES))
    return { key: this.#agent.by?.(value), window: NO_WINDOW, state: undefined }
  }

  get parents(): Uint8Array {
    return this.#parents
  }

  #topicOf(cursor: FrameCursor): Topic | undefined {
    return this.#agent.from.find(topic => topic.name === cursor.type)
  }

  #foldOf(value: unknown, cursor: FrameCursor): Fold | undefined {
    const topic = this.#topicOf(cursor)
    if (topic === undefined || this.#folds.size === 0) return undefined
    const { partitions } = topic.spec
    const partition = topic.keyOf ? partitionOfKey(topic.keyOf(value), partitions) : partitionOfId(cursor.bytes, cursor.idAt, partitions)
    return this.#folds.get(placeName(topic.name, partition))
  }
}

export function placeName(topic: string, partition: number): string {
  return `${topic}/${partition}`
}

const NO_PAST: Past = { key: undefined, window: NO_WINDOW, state: undefined }
