import { hash } from 'node:crypto'
import type { Agent } from '../agents/agent.ts'
import { checkVersion, list } from '../agents/agent.ts'
import type { Clock } from '../clock.ts'
import { checkOptions } from '../options.ts'
import type { RecordBatch, Start } from '../stream/stream.ts'
import { checkName, type Topic } from '../stream/topic.ts'

/**
 * A store that rolls: data gather in the stream until there is enough for a file, then exactly the positions [first, end) of one
 * partition are written, so that writing them again gives the same files. Nothing is open in between, whatever the number of keys.
 * Suite: `testing/storage-suite.ts`.
 */
export interface RollingStore {
  readonly kind: 'rolling'
  /** For people: what and where, such as `files ./lake`. */
  readonly describe: string
  readonly roll: RollPolicy
  /**
   * Called in the thread that will write, and once when a process starts, to hear what is wrong before anything is accepted.
   * @param topics that will be written, where that is known: what has a table for each can check them.
   * @throws CONFIG_INVALID, STORE_DENIED, TABLE_MISMATCH; STORE_UNAVAILABLE (retryable)
   */
  open(clock: Clock, topics?: readonly Topic[]): Promise<RollingWriter>
  /**
   * Where a datum is that the agent has stored, for people: a file, a table's row. Undefined where it cannot be said, such as from a machine that
   * does not see the folder. Left out by a store that cannot say it at all.
   */
  whereIs?(datum: StoredDatum): Promise<StoredAt | undefined>
}

export interface StoredAt {
  /** For people: a file's path; a table and what finds the row in it; the folder of a bucket. */
  readonly where: string
  /** More closely, as far as that can be said. To be asked for one datum, not for many: the file is read for it. */
  exact?(): Promise<ExactlyAt | undefined>
}

export interface ExactlyAt {
  /** The file. */
  readonly where: string
  /** The first one is 1; undefined where the file is large, holds no ids, or is one of several. */
  readonly row: number | undefined
}

/** A datum of a roll that was written. */
export interface StoredDatum extends Pick<Roll, 'topic' | 'partition' | 'writer'> {
  readonly offset: number
  /** It was rolled from the agent's replay topic, where its position is. */
  readonly isReplay: boolean
  readonly dataId: string
  /** Empty without one. */
  readonly key: string
  readonly createdMs: number
}

/** {@link Roll.writer} of an agent's edition on a log. */
export function writerName(logId: string | undefined, agent: string, edition: number): string {
  return hash('sha256', `${logId ?? ''}\0${agent}\0${edition}`).slice(0, 8)
}

/** A roll happens as soon as one of these is reached, also when nothing more arrives. */
export interface RollPolicy {
  readonly records: number
  /** Bytes of frames in the stream, before encoding and compression. */
  readonly bytes: number
  /** Age of the oldest datum since it was appended to the stream. */
  readonly ageMs: number
}

export interface RollingWriter {
  /**
   * Writes exactly the data [first, end) of the partition, and resolves when they are durable. It may have been begun before, by
   * another process or by one that still runs: the outcome must be the same files with the same bytes, and none besides.
   * `batches` yields the range in order and only once; the writer holds no more of it than it must.
   * @throws STORE_UNAVAILABLE (retryable): the roll is tried again, and holds its partition meanwhile.
   */
  write(roll: Roll, batches: AsyncIterable<RecordBatch>, signal: AbortSignal): Promise<Written>
  close(): Promise<void>
}

export interface Roll {
  /** The topic that is rolled. Frames that name another type (in the agent's replay topic) belong to that topic, found in `types`. */
  readonly topic: Topic
  /** By name, the topics that this agent stores. */
  readonly types: ReadonlyMap<string, Topic>
  readonly partition: number
  readonly first: number
  readonly end: number
  /** Names this log, agent and edition in 8 hexadecimal digits, so that what one of them wrote is never taken for another's. */
  readonly writer: string
  /** The intent was found, not made: an earlier attempt may have left files. */
  readonly resumed: boolean
}

export interface Written {
  readonly files: number
  readonly bytes: number
  /** Data that the store cannot hold (they do not decode, do not fit the columns): they go to the dead letters. */
  readonly unstorable: readonly { readonly offset: number; readonly reason: string }[]
}

export type Store = RollingStore

export interface StorageAgentOptions {
  /** A whole number from 1. Versions run side by side, each with its own place in the stream: both would store everything. */
  readonly version: number
  /** What is stored. Data of several topics are kept apart. */
  readonly from: Topic | readonly Topic[]
  /** Where, such as `files('./lake')`. */
  readonly to: Store
  /** The version whose place in the stream this one takes over, with a roll that it has begun. */
  readonly replaces?: number
  /** Where a new agent begins in its topics: `'earliest'`, `'latest'` or `{ timeMs }`, milliseconds since 1970 UTC. Default `'earliest'`. */
  readonly start?: Start
}

export interface StorageAgent extends Pick<Agent, 'name' | 'version' | 'from' | 'replaces' | 'start'> {
  readonly kind: 'storage-agent'
  readonly store: Store
}

/** Declares a storage agent: a first-class agent whose task is to store. */
export function storageAgent(name: string, options: StorageAgentOptions): StorageAgent {
  checkName('storageAgent', name)
  checkVersion(`storageAgent('${name}')`, options.version)
  if ('shadow' in options) throw new TypeError(`storageAgent('${name}') cannot be a shadow: what it stores is its outputs. Drop 'shadow'.`)
  checkOptions(`storageAgent('${name}')`, options, ['version', 'from', 'to', 'replaces', 'start'])
  if (options.to?.kind !== 'rolling') throw new TypeError(`storageAgent('${name}') needs a store, such as to: files('./lake').`)
  return {
    kind: 'storage-agent',
    name,
    version: options.version,
    from: list(options.from),
    replaces: options.replaces,
    start: options.start ?? 'earliest',
    store: options.to,
  }
}
