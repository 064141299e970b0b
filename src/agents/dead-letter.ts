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

/**
 * `dead`: waiting for a person. `replayed`: put into the agent's replay topic again. `done`: a replay succeeded. `discarded`: given up by a person.
 * `expired`: nobody came to it within the time that is set for letters; it stays as a count, without its datum where that frees room.
 */
export type LetterState = (typeof LETTER_STATES)[number]
export const LETTER_STATES = ['dead', 'replayed', 'done', 'discarded', 'expired'] as const

/** A letter as it is listed: without its datum, which may be large, while a list is long. */
export interface StoredLetter extends Omit<DeadLetter, 'frame'> {
  /** Counted from 1 in each pipeline, with gaps on a shared stream; names the letter on the command line. */
  readonly letter: number
  readonly state: LetterState
  /** How often it was replayed, and when last. */
  readonly replays: number
  readonly replayedMs?: number
  /** Its datum was changed by a person: how often, and last by whom and when. */
  readonly edited?: { readonly times: number; readonly by: string; readonly atMs: number }
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
  /** Only letters that died last before this, milliseconds since 1970 UTC. */
  readonly diedBeforeMs?: number
  /** Only letters of a higher number, and then the oldest first: for who goes through all of them, page after page. */
  readonly after?: number
  /** At most so many, the newest first. */
  readonly limit: number
}

/** How many letters of an agent are in a state. */
export interface LetterCount {
  readonly agent: AgentVersion
  readonly state: LetterState
  readonly count: number
}

/** The dead letters of a pipeline. */
export interface DeadLetters {
  list(filter: LetterFilter): Promise<StoredLetter[]>
  /** Of every agent and state that there is a letter of. */
  counts(): Promise<LetterCount[]>
  /**
   * A letter's datum as a replay gives it to the agent, framed as in {@link DeadLetter}: as it died, or as it was edited last. Undefined where
   * there is no such letter, or it has expired.
   */
  frame(letter: number): Promise<Uint8Array | undefined>
  /** The datum as it died, whatever was edited. */
  original(letter: number): Promise<Uint8Array | undefined>
  /**
   * Appends the letters' data to their agents' replay topics and notes it, as one; only letters that are `dead` are taken.
   * An agent skips a replayed datum only if it is done by then.
   * @returns the letters replayed.
   */
  replay(letters: readonly number[], by: string): Promise<number[]>
  /** Gives letters up. @returns the letters discarded by this call: of two at once one has them. */
  discard(letters: readonly number[], by: string): Promise<number[]>
  /**
   * Replays of a letter that is `dead` give this datum from now on. Its id is the one that died, so that what is derived from it has the same
   * ids, too; the datum that died stays in the letter. @returns whether the letter was dead, and no replay had begun to put its datum again.
   */
  edit(letter: number, frame: Uint8Array, by: string): Promise<boolean>
  /** Of these letters, those that are `dead` and died last before a time: nobody has come to them. They stay, as `expired`. @returns those, to one of two at once. */
  expire(letters: readonly number[], diedBeforeMs: number): Promise<number[]>
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
