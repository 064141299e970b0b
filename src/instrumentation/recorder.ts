import type { ArrivalFact } from '../objectives/ages.ts'

/**
 * What the parts report, once a batch and never once a datum. Facts are plain data, so that they cross threads; the main thread
 * turns them into metrics, flow rates and health. Recording never throws and never waits.
 */
export interface Recorder {
  ingest(fact: IngestFact): void
  work(fact: WorkFact): void
  /** Why data of a producer were rejected, or a request of it was refused whole: once a request in which there were any. */
  reject?(fact: RejectFact): void
  /** What reached the end of objectives' paths: once for each unit of work of an agent that is the last on one. */
  arrived?(facts: readonly ArrivalFact[]): void
  /** What an agent's thread has in hand now, once when it claims a batch and once when it has committed it: so that one which hangs is seen. */
  inHand?(fact: InHandFact): void
  /** What a front end keeps on its own disk while the stream is away: once for each append to it and each batch drained from it. */
  spill?(fact: SpillFact): void
}

/** One request of a producer, or one coalesced group of them. */
export interface IngestFact {
  readonly topic: string
  readonly source: string
  readonly accepted: number
  readonly duplicate: number
  readonly rejected: number
  readonly retry: number
  /** Bytes of the data as received. */
  readonly bytes: number
  /** From the request's last byte to its receipts. */
  readonly durationMs: number
}

export interface RejectFact {
  readonly source: string
  /** Data that name no topic there is: in no {@link IngestFact}, which is by topic. */
  readonly unrouted: number
  /** Requests refused whole: what they held is not known. */
  readonly requests: number
  readonly reasons: readonly Rejection[]
}

/** Sources, or reasons, beyond those that are told apart: all of them together. */
export const OTHERS = '(others)'

export interface Rejection {
  /** Topic, path and message of the first issue, or the error's code and message. */
  readonly reason: string
  readonly count: number
  /** The beginning of such a datum, masked fields left out; null where it cannot be shown. */
  readonly sample: string | null
}

/** One committed unit of work of an agent or storage agent. */
export interface WorkFact {
  readonly agent: string
  readonly version: number
  readonly topic: string
  readonly partition: number
  readonly done: number
  readonly dead: number
  readonly duplicate: number
  readonly lost: number
  /** Attempts beyond the first. */
  readonly retries: number
  readonly outputs: number
  /** From when the batch's oldest datum was appended to when it was claimed. */
  readonly queueMs: number
  /** In which something of the unit was in the handler's hands, or files were written; however many at once. */
  readonly handlerMs: number
  /** In which the agent's thread was at it, whatever the partition, since the fact before: at most the time that has passed. Its programs' added up, where it has some. */
  readonly busyMs: number
  /** From the commit's start to its end. */
  readonly commitMs: number
}

/** Data claimed and not committed. */
export interface InHandFact {
  readonly agent: string
  readonly version: number
  /** Which of the agent's threads. */
  readonly replica: number
  readonly count: number
  /** When the oldest of them was claimed, milliseconds since 1970 UTC; 0 when there are none. */
  readonly sinceMs: number
}

/** A front end's spill: where it stands, and what has happened since the fact before. */
export interface SpillFact {
  /** Data that wait in it. */
  readonly data: number
  /** What it takes on disk. */
  readonly bytes: number
  readonly spilled: number
  readonly drained: number
}

/** Where nobody looks. */
export const silentRecorder: Recorder = { ingest() {}, work() {} }
