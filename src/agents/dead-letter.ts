import type { DataId } from '../envelope/data-id.ts'
import type { TopicSpec } from '../stream/stream.ts'
import type { AgentVersion } from '../trace/trace.ts'

/** A datum that an agent could not handle, kept with the reason until a person discards it (I6). */
export interface DeadLetter {
  readonly agent: AgentVersion
  readonly topic: string
  readonly partition: number
  readonly offset: number
  readonly dataId: DataId
  readonly error: { readonly code?: string; readonly name: string; readonly message: string; readonly stack?: string }
  readonly attempts: number
  readonly atMs: number
  /** The datum, as framed in the stream (`envelope/frame.ts`): the letter outlives the topic's retention. */
  readonly frame: Uint8Array
}

/** `dead`: waiting for a person. `replayed`: put into the agent's replay topic again. `done`: a replay succeeded. `discarded`: given up by a person. */
export type LetterState = 'dead' | 'replayed' | 'done' | 'discarded'

/** A letter as it is listed: without its datum, which may be large, while a list is long. */
export interface StoredLetter extends Omit<DeadLetter, 'frame'> {
  /** Counted from 1 in each pipeline, with gaps on a shared stream; names the letter on the command line. */
  readonly letter: number
  readonly state: LetterState
  /** How often it was replayed, and when last. */
  readonly replays: number
  readonly replayedMs?: number
}

export interface LetterFilter {
  readonly agent?: string
  readonly version?: number
  readonly topic?: string
  readonly state?: LetterState
  readonly letters?: readonly number[]
  readonly dataId?: DataId
  /** Only letters whose reason contains this text. */
  readonly matching?: string
  /** At most so many, the newest first. */
  readonly limit: number
}

/** The dead letters of a pipeline. */
export interface DeadLetters {
  list(filter: LetterFilter): Promise<StoredLetter[]>
  /** A letter's datum, framed as in {@link DeadLetter}; undefined where there is no such letter. */
  frame(letter: number): Promise<Uint8Array | undefined>
  /**
   * Appends the letters' data to their agents' replay topics and notes it, as one; only letters that are `dead` are taken.
   * An agent skips a replayed datum only if it is done by then.
   * @returns the letters replayed.
   */
  replay(letters: readonly number[], by: string): Promise<number[]>
  /** Gives letters up. @returns the letters discarded. */
  discard(letters: readonly number[], by: string): Promise<number[]>
}

const REPLAY_PREFIX = '_replay.'

/** The topic where an agent's dead letters are put again; it reads it beside its own. */
export function replayTopic(agent: AgentVersion): string {
  return `${REPLAY_PREFIX}${agent.name}@${agent.version}`
}

export function isReplayTopic(topic: string): boolean {
  return topic.startsWith(REPLAY_PREFIX)
}

/** A letter that is replayed is worked on as soon as its agent runs; where that comes later than this the letter is `dead` again. */
const REPLAY_RETENTION_MS = 7 * 86_400_000

export function replayTopicSpec(agent: AgentVersion): TopicSpec {
  return { name: replayTopic(agent), partitions: 1, retentionMs: REPLAY_RETENTION_MS }
}
