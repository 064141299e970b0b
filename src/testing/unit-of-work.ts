import type { DeadLetter } from '../agents/dead-letter.ts'
import type { CacheWrite, UnitOfWork } from '../engine/engine.ts'
import { FrameCursor } from '../envelope/frame.ts'
import type { Checkpoint, Lease, Moved, RecordBatch, TopicPartition } from '../stream/stream.ts'
import type { AgentVersion, MarkBatch } from '../trace/trace.ts'
import { further, idsOf } from './suite-data.ts'

export const FORECAST: AgentVersion = { name: 'forecast', version: 2 }
export const DEMAND: TopicPartition = { topic: 'demand', partition: 0 }
export const CLAIMED_MS = 1_800_000_000_000
export const FINISHED_MS = CLAIMED_MS + 5

/** A unit that does nothing but what it is told. */
export function unit(lease: Lease, what: Partial<UnitOfWork>): UnitOfWork {
  return { lease, agent: FORECAST, outputs: [], letters: [], marks: [], cache: [], snapshots: [], checkpoints: [], ...what }
}

/** A move of a place, everything in between done but for what is dead. */
export function move(checkpoint: Checkpoint, to: number, dead = 0, place: TopicPartition = DEMAND): Moved {
  const { intent: _, ...rest } = further(checkpoint, to - checkpoint.offset - dead)
  return { ...place, from: checkpoint.offset, checkpoint: { ...rest, offset: to, dead: checkpoint.dead + dead } }
}

/** The same by position alone, for an engine whose trace goes by that. */
export function doneAt(first: number, end: number, place: TopicPartition = DEMAND): MarkBatch {
  return { ...place, done: [{ first, end }], dead: [], claimedMs: CLAIMED_MS, finishedMs: FINISHED_MS, attempts: [], ids: NO_IDS }
}

export function deadAt(offset: number, reason: string): MarkBatch {
  return { ...doneAt(0, 0), done: [], dead: [{ offset, reason }], attempts: [{ offset, attempts: 5 }] }
}

const NO_IDS = new Uint8Array(0)

/** The data [first, end) of a batch are done. */
export function doneMark(read: RecordBatch, first: number, end: number): MarkBatch {
  const { topic, partition } = read
  const times = { claimedMs: CLAIMED_MS, finishedMs: FINISHED_MS }
  return { topic, partition, done: [{ first, end }], dead: [], ...times, attempts: [], ids: idsOf(read, first, end) }
}

export function deadMark(read: RecordBatch, offset: number, reason: string): MarkBatch {
  return {
    topic: read.topic,
    partition: read.partition,
    done: [],
    dead: [{ offset, reason }],
    claimedMs: CLAIMED_MS,
    finishedMs: FINISHED_MS,
    attempts: [{ offset, attempts: 5 }],
    ids: idsOf(read, offset, offset + 1),
  }
}

/** The dead letter of one datum of a batch. */
export function letterOf(read: RecordBatch, offset: number, message: string, agent = FORECAST): DeadLetter {
  const cursor = new FrameCursor(read.frames, read.ascii)
  while (cursor.next()) {
    if (read.first + cursor.index !== offset) continue
    return {
      agent,
      topic: read.topic,
      partition: read.partition,
      offset,
      dataId: cursor.dataId,
      error: { code: 'HANDLER_TIMEOUT', name: 'MillraceError', message, stack: `MillraceError: ${message}\n    at forecast` },
      attempts: 5,
      atMs: FINISHED_MS,
      frame: Uint8Array.from(cursor.frame),
    }
  }
  throw new Error(`The batch of ${read.topic} has no offset ${offset}.`)
}

export function cacheWrite(key: string, value: unknown, offset: number, partition = 0): CacheWrite {
  return { cache: 'average', key, value: JSON.stringify(value), topic: 'demand', partition, offset }
}
