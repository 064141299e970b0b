import type { DatabaseSync } from 'node:sqlite'
import { Query } from './rows.ts'
import { PAGE_BYTES } from './schema.ts'

/** Measured: checkpoints of this size take 8 to 16 ms, and the WAL stays near it. */
const CHECKPOINT_BYTES = 16 * 1024 * 1024
/** Asking for the WAL's size costs some µs: ask once so many bytes of data. */
const ASK_BYTES = 1024 * 1024
/** A group writes index, trace and checkpoint pages besides its data. */
const GROUP_OVERHEAD_BYTES = 6 * PAGE_BYTES

/** Decides when the WAL goes back into the file. Explicit, so that an error in it is seen; passive, so that no reader is waited for. */
export class Wal {
  readonly #size: Query
  readonly #passive: Query
  readonly #truncate: Query
  #sinceAsked = 0
  #dirty = false

  constructor(db: DatabaseSync) {
    this.#size = new Query(db, 'PRAGMA wal_checkpoint(NOOP)')
    this.#passive = new Query(db, 'PRAGMA wal_checkpoint(PASSIVE)')
    this.#truncate = new Query(db, 'PRAGMA wal_checkpoint(TRUNCATE)')
  }

  /** Something is in the WAL that is not in the file. */
  get dirty(): boolean {
    return this.#dirty
  }

  /** After each commit, with the bytes of data in it. */
  wrote(bytes: number): void {
    this.#dirty = true
    this.#sinceAsked += bytes + GROUP_OVERHEAD_BYTES
    if (this.#sinceAsked < ASK_BYTES) return
    this.#sinceAsked = 0
    const pages = Number(this.#size.one()?.[1])
    if (pages * PAGE_BYTES >= CHECKPOINT_BYTES) this.checkpoint()
  }

  /** @throws what SQLite says: after an I/O error here the connection is not to be trusted. */
  checkpoint(): void {
    const row = this.#passive.one()
    // A reader may hold back some of it; the next one takes the rest.
    this.#dirty = Number(row?.[1]) !== Number(row?.[2])
  }

  /** At the end: the file alone is the whole database. */
  finish(): void {
    this.#truncate.one()
  }
}
