import { statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { MillraceError } from '../../../errors.ts'
import { refusal } from './refusal.ts'

/** Waiting for a lock stops the thread that waits, which nobody can tell anything meanwhile: what takes longer is tried again from outside. */
const BUSY_MS = 2_000
/** A log that one large roll has made long is cut again. */
const MOST_LOG_BYTES = 64_000_000

interface Connection {
  readonly db: DatabaseSync
  /** Which file it is open on, whatever the path leads to by now. */
  readonly file: string
}

/** One SQLite file: its connection is opened when it is needed, and given up when anything on it fails. */
export class Database {
  readonly #path: string
  #connection: Connection | undefined

  constructor(path: string) {
    this.#path = path
  }

  /**
   * Does some work. Where that fails the connection is closed, which rolls back what it held: what is true of the file is read again by the
   * next. What has been committed is on disk, and in the file that the path leads to.
   * @throws STORE_UNAVAILABLE, STORE_DENIED, CONFIG_INVALID, and what is not SQLite's
   */
  use<T>(work: (db: DatabaseSync) => T): T {
    try {
      this.#connection ??= open(this.#path)
      const result = work(this.#connection.db)
      this.#checkPlace(this.#connection)
      return result
    } catch (error) {
      this.close()
      throw refusal(error, this.#path)
    }
  }

  close(): void {
    const connection = this.#connection
    this.#connection = undefined
    connection?.db.close()
  }

  /** A file that was removed can be written to for as long as it is open, and all of it would be gone. */
  #checkPlace({ file }: Connection): void {
    if (identityOf(this.#path) === file) return
    throw new MillraceError('STORE_UNAVAILABLE', `${this.#path} was removed or put aside while it was in use. It is opened anew.`)
  }
}

function open(path: string): Connection {
  const db = new DatabaseSync(path, { timeout: BUSY_MS })
  try {
    const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode
    if (mode !== 'wal')
      throw new MillraceError('STORE_DENIED', `${path} keeps its journal as '${String(mode)}' and cannot keep a write-ahead log.`, {
        fix: 'Put it on a local disk: SQLite shares no log over a network.',
      })
    // FULL: a commit is on disk before it is answered.
    db.exec(`PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${MOST_LOG_BYTES}`)
    return { db, file: identityOf(path) ?? '' }
  } catch (error) {
    db.close()
    throw error
  }
}

/** Undefined where there is no such file. */
function identityOf(path: string): string | undefined {
  const found = statSync(path, { bigint: true, throwIfNoEntry: false })
  return found === undefined ? undefined : `${found.dev}:${found.ino}`
}
