import { join } from 'node:path'
import type { Clock } from '../../clock.ts'

const DAY_MS = 86_400_000

export interface EmbeddedOptions {
  /** Made where it is missing. */
  readonly directory: string
  /** Another clock than the system's runs the writer in this thread: a clock cannot be shared with another. */
  readonly clock?: Clock
  /** How long a supplied id is recognised. Default 7 days, as long as data are kept. */
  readonly idRetentionMs?: number
  /** How long marks are kept. Default 24 hours. */
  readonly traceRetentionMs?: number
  /** The most that the database file may hold, in bytes; beyond it appends are DISK_FULL. Default: the disk. */
  readonly maxBytes?: number
}

/** What the writer needs, wherever it runs. */
export interface WriterLimits {
  readonly idRetentionMs: number
  readonly traceRetentionMs: number
  readonly maxBytes?: number
}

export function limitsOf(options: Omit<EmbeddedOptions, 'directory' | 'clock'>): WriterLimits {
  return {
    idRetentionMs: options.idRetentionMs ?? 7 * DAY_MS,
    traceRetentionMs: options.traceRetentionMs ?? DAY_MS,
    ...(options.maxBytes === undefined ? {} : { maxBytes: options.maxBytes }),
  }
}

export const DATABASE_FILE = 'millrace.db'

export function databaseFile(directory: string): string {
  return join(directory, DATABASE_FILE)
}
