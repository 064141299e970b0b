import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ID_BYTES } from '../../envelope/data-id.ts'
import { FrameCursor } from '../../envelope/frame.ts'
import { numberAt, Query } from './rows.ts'

/** The horizon is cut into so many buckets; one more is open at a time, so an id is remembered for the horizon and a quarter at most. */
const BUCKETS = 4

interface Bucket {
  readonly find: Query
  readonly insert: StatementSync
}

/** What of a batch was not stored, and which data are. */
export interface Judged {
  readonly duplicates: number[]
  readonly taken: number[]
}

/** The ids that producers supplied, in tables by time that are dropped whole. An index row and its datum are one transaction. */
export class IdIndex {
  readonly #db: DatabaseSync
  readonly #spanMs: number
  readonly #horizonMs: number
  readonly #findSource: Query
  readonly #insertSource: StatementSync
  readonly #sources = new Map<string, number>()
  /** Newest first: copies come soon after. */
  #buckets: [number, Bucket][] = []

  constructor(db: DatabaseSync, horizonMs: number) {
    this.#db = db
    this.#horizonMs = horizonMs
    this.#spanMs = Math.max(1, Math.ceil(horizonMs / BUCKETS))
    this.#findSource = new Query(db, 'SELECT source FROM sources WHERE name = ?')
    this.#insertSource = db.prepare('INSERT INTO sources (name) VALUES (?)')
    this.#load()
  }

  /** Notes the supplied ids of a batch that will begin at `first`; those already known are judged and not noted. */
  note(frames: Uint8Array, place: number, first: number, nowMs: number): Judged {
    const judged: Judged = { duplicates: [], taken: [] }
    const current = this.#current(nowMs)
    const cursor = new FrameCursor(frames)
    let offset = first
    while (cursor.next()) {
      if (cursor.supplied) {
        const id = cursor.bytes.subarray(cursor.idAt, cursor.idAt + ID_BYTES)
        const source = this.#source(cursor.sourceBytes)
        const owner = this.#older(id) ?? this.#insert(current, id, source, place, offset)
        if (owner !== undefined) {
          if (owner === source) judged.duplicates.push(cursor.index)
          else judged.taken.push(cursor.index)
          continue
        }
      }
      offset++
    }
    return judged
  }

  /** Forgets the oldest bucket where it is past the horizon. @returns whether one was dropped; call again then. */
  dropExpired(nowMs: number): boolean {
    const oldest = this.#buckets.at(-1)
    if (oldest === undefined || (oldest[0] + 1) * this.#spanMs > nowMs - this.#horizonMs) return false
    this.#db.exec(`DROP TABLE ids_${oldest[0]}; DELETE FROM id_buckets WHERE bucket = ${oldest[0]}`)
    this.#buckets.pop()
    return true
  }

  /** After a rollback: what was made in it is gone. */
  forget(): void {
    this.#sources.clear()
    this.#load()
  }

  #older(id: Uint8Array): number | undefined {
    for (let i = 1; i < this.#buckets.length; i++) {
      const row = this.#buckets[i]![1].find.one(id)
      if (row !== undefined) return numberAt(row, 0)
    }
    return undefined
  }

  /** @returns the source that has the id already, or undefined where it was noted. */
  #insert(bucket: Bucket, id: Uint8Array, source: number, place: number, offset: number): number | undefined {
    if (bucket.insert.run(id, source, place, offset).changes !== 0) return undefined
    const row = bucket.find.one(id)
    return row === undefined ? undefined : numberAt(row, 0)
  }

  #source(name: Uint8Array): number {
    const key = Buffer.from(name.buffer, name.byteOffset, name.byteLength).toString('latin1')
    let source = this.#sources.get(key)
    if (source === undefined) {
      const row = this.#findSource.one(name)
      source = row === undefined ? Number(this.#insertSource.run(name).lastInsertRowid) : numberAt(row, 0)
      this.#sources.set(key, source)
    }
    return source
  }

  #current(nowMs: number): Bucket {
    const number = Math.floor(nowMs / this.#spanMs)
    const newest = this.#buckets[0]
    // A clock that went back writes on into the newest bucket: it only lives longer.
    if (newest !== undefined && newest[0] >= number) return newest[1]
    this.#db.exec(
      `CREATE TABLE ids_${number} (id BLOB PRIMARY KEY, source INTEGER NOT NULL, place INTEGER NOT NULL, offset INTEGER NOT NULL) STRICT, WITHOUT ROWID;
       INSERT INTO id_buckets (bucket) VALUES (${number})`,
    )
    const bucket = this.#open(number)
    this.#buckets.unshift([number, bucket])
    return bucket
  }

  #load(): void {
    const rows = new Query(this.#db, 'SELECT bucket FROM id_buckets ORDER BY bucket DESC').all()
    this.#buckets = rows.map(row => [numberAt(row, 0), this.#open(numberAt(row, 0))])
  }

  #open(bucket: number): Bucket {
    return {
      find: new Query(this.#db, `SELECT source FROM ids_${bucket} WHERE id = ?`),
      insert: this.#db.prepare(`INSERT OR IGNORE INTO ids_${bucket} (id, source, place, offset) VALUES (?, ?, ?, ?)`),
    }
  }
}
