import { setImmediate } from 'node:timers/promises'
import { FrameCursor } from '../../../envelope/frame.ts'
import type { RecordBatch } from '../../../stream/stream.ts'
import type { Roll, RollingWriter, Written } from '../../storage.ts'
import type { Database } from './database.ts'
import { insertRows, type Refused } from './insert.ts'
import { RowBuffer } from './row-buffer.ts'
import { insertInto, type Table } from './table.ts'
import type { Tables } from './tables.ts'

/** What is gathered before it is inserted, in one transaction: a commit waits for the disk, and others wait for the transaction. */
const CHUNK_ROWS = 2_000
const CHUNK_BYTES = 1_000_000

/**
 * Writes rolls as rows: gathered, then inserted where they are not there yet, a chunk in one transaction. None is open while the stream is
 * waited for, so that several writers, and whoever else uses the file, wait for each other's moments only. A roll that was cut off half-way has
 * some of its chunks in the table, and gets the others when it is written again.
 */
export class SqliteWriter implements RollingWriter {
  readonly #database: Database
  readonly #tables: Tables

  constructor(database: Database, tables: Tables) {
    this.#database = database
    this.#tables = tables
  }

  async write(roll: Roll, batches: AsyncIterable<RecordBatch>, signal: AbortSignal): Promise<Written> {
    const attempt = new Attempt(roll, this.#database, this.#tables)
    try {
      for await (const batch of batches) {
        signal.throwIfAborted()
        for (const _ of attempt.add(batch)) {
          // SQLite works in this thread: what ends the lease is heard between two chunks.
          await setImmediate()
          signal.throwIfAborted()
        }
      }
      return attempt.finish()
    } catch (error) {
      // Whatever went wrong may be a table that someone has changed.
      this.#tables.forget()
      throw error
    }
  }

  async close(): Promise<void> {
    this.#database.close()
  }
}

interface Target {
  readonly table: Table
  readonly rows: RowBuffer
}

/** One attempt at one roll. */
class Attempt {
  readonly #roll: Roll
  readonly #database: Database
  readonly #tables: Tables
  readonly #targets = new Map<Table, Target>()
  /** By the type that a datum names; its own topic's data name none. */
  readonly #byType = new Map<string, Target>()
  readonly #stored = new Set<Table>()
  readonly #unstorable: Refused[] = []
  #bytes = 0
  #gatheredRows = 0
  #gatheredBytes = 0

  constructor(roll: Roll, database: Database, tables: Tables) {
    this.#roll = roll
    this.#database = database
    this.#tables = tables
  }

  /** Takes the data of a batch, and yields whenever a chunk has been stored. */
  *add(batch: RecordBatch): Generator<void> {
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      if (cursor.isVoid) continue
      this.#addDatum(cursor, batch.first + cursor.index, batch.ascii)
      if (this.#gatheredRows < CHUNK_ROWS && this.#gatheredBytes < CHUNK_BYTES) continue
      this.#store()
      yield
    }
  }

  finish(): Written {
    if (this.#gatheredRows > 0) this.#store()
    const unstorable = this.#unstorable.sort((a, b) => a.offset - b.offset)
    return { files: this.#stored.size, bytes: this.#bytes, unstorable }
  }

  #addDatum(cursor: FrameCursor, offset: number, ascii: boolean): void {
    const target = this.#targetOf(cursor.type)
    const issue =
      target === undefined ? `its topic '${cursor.type}' is not one that this agent stores` : target.rows.add(cursor, offset, ascii)
    if (issue !== undefined) {
      this.#unstorable.push({ offset, reason: issue })
      return
    }
    this.#gatheredRows++
    this.#gatheredBytes += cursor.end - cursor.start
  }

  /** The table of a datum by the type that it names, undefined where that is none of this agent's. */
  #targetOf(type: string): Target | undefined {
    let target = this.#byType.get(type)
    if (target !== undefined) return target
    const topic = type === '' ? this.#roll.topic : this.#roll.types.get(type)
    if (topic === undefined) return undefined
    const table = this.#tables.of(topic)
    target = this.#targets.get(table) ?? { table, rows: new RowBuffer(table.shape) }
    this.#targets.set(table, target)
    this.#byType.set(type, target)
    return target
  }

  #store(): void {
    const refused = this.#database.use(db => {
      const insertions = [...this.#targets.values()]
        .filter(({ rows }) => rows.length > 0)
        .map(({ table, rows }) => {
          this.#tables.ensure(table, db)
          this.#stored.add(table)
          return { statement: db.prepare(insertInto(table)), rows: rows.take() }
        })
      return insertRows(db, insertions)
    })
    this.#unstorable.push(...refused)
    this.#bytes += this.#gatheredBytes
    this.#gatheredRows = 0
    this.#gatheredBytes = 0
  }
}
