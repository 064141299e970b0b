import type { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '../../errors.ts'
import { Retention } from './retention.ts'
import { SCHEMA_VERSION } from './schema.ts'
import { isDiskFull } from './sqlite-error.ts'
import { Tables } from './tables.ts'
import { Wal } from './wal.ts'

export interface StoreSettings {
  /** Makes a connection, the first time and after a failure. */
  readonly open: () => DatabaseSync
  readonly idRetentionMs: number
  readonly traceRetentionMs: number
}

/** A transaction failed. `outcomeUnknown`: in COMMIT itself, so that it may be there or not. */
export class TransactionFailed extends Error {
  readonly outcomeUnknown: boolean

  constructor(cause: unknown, outcomeUnknown: boolean) {
    super('A transaction failed', { cause })
    this.outcomeUnknown = outcomeUnknown
  }
}

/** The writer's connection and what stands on it; replaced as a whole after a failure. */
export class Store {
  readonly #settings: StoreSettings
  tables: Tables
  wal: Wal
  retention: Retention

  constructor(settings: StoreSettings) {
    this.#settings = settings
    const db = settings.open()
    this.tables = new Tables(db, settings.idRetentionMs)
    this.wal = new Wal(db)
    this.retention = new Retention(this.tables, settings.traceRetentionMs)
  }

  /** Runs work as one transaction, durable when it returns. @returns what the work gives, and the places that grew. @throws TransactionFailed */
  transact<T>(nowMs: number, work: () => T, beforeCommit?: () => void): { value: T; grown: readonly number[] } {
    let value: T
    let grown: number[]
    try {
      this.tables.begin(nowMs)
      value = work()
      grown = this.tables.flush()
      beforeCommit?.()
    } catch (error) {
      throw new TransactionFailed(error, false)
    }
    try {
      this.tables.commit()
    } catch (error) {
      throw new TransactionFailed(error, true)
    }
    return { value, grown }
  }

  /**
   * After a failure. A full disk is rolled back, and the connection goes on. After anything else it would go on as if nothing had
   * been, though what it failed to write may be there after a crash: it is never used again, and every position is read anew.
   * @returns what those who asked are told. @throws ENGINE_FAILED where the file cannot be opened again.
   */
  recover(error: unknown): { told: MillraceError; reopened: boolean } {
    const { cause, outcomeUnknown } = error instanceof TransactionFailed ? error : new TransactionFailed(error, true)
    if (isDiskFull(cause)) {
      this.tables.rollback()
      const told = new MillraceError('DISK_FULL', 'The disk, or the size allowed for the data directory, is used up; nothing was stored.', {
        fix: 'Make room or shorten the retention; then send again.',
        cause,
      })
      return { told, reopened: false }
    }
    this.#reopen()
    const why = cause instanceof Error ? cause.message : String(cause)
    const told = outcomeUnknown
      ? new MillraceError('APPEND_UNKNOWN', `A commit failed and may have been stored or not: ${why}.`, { fix: 'Send again.', cause })
      : new MillraceError('ENGINE_FAILED', `A write failed and nothing was stored: ${why}.`, { fix: 'Send again.', cause })
    return { told, reopened: true }
  }

  close(): void {
    try {
      this.wal.finish()
    } catch (error) {
      // Everything is in the WAL, and stays there until there is room.
      if (!isDiskFull(error)) throw error
    } finally {
      this.tables.db.close()
    }
  }

  #reopen(): void {
    try {
      this.tables.db.close()
      const db = this.#settings.open()
      // A commit of nothing overwrites what the failed one may have left in the WAL: from here on it is not there, crash or not.
      db.exec(`BEGIN IMMEDIATE; PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`)
      this.tables = new Tables(db, this.#settings.idRetentionMs)
      this.wal = new Wal(db)
      this.retention = new Retention(this.tables, this.#settings.traceRetentionMs)
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      throw new MillraceError('ENGINE_FAILED', `The database could not be opened again after a failed write: ${why}.`, { cause })
    }
  }
}
