import { failpoint } from '../../../engine/failpoint.ts'
import { FrameCursor } from '../../../envelope/frame.ts'
import type { RecordBatch } from '../../../stream/stream.ts'
import type { Roll, RollingWriter, Written } from '../../storage.ts'
import { CopyBuffer } from './copy-buffer.ts'
import type { Database } from './database.ts'
import { RowWriter } from './row.ts'
import type { Session } from './session.ts'
import { insertStaged, type Refused } from './staged-insert.ts'
import { begin, Staging } from './statements.ts'
import type { Table } from './table.ts'
import type { Tables } from './tables.ts'

/** Rows that are held here before they are copied, for each table of a roll. */
const CHUNK_BYTES = 1_000_000

/** Writes rolls as rows, each roll in one transaction: copied aside, then inserted where they are not there yet. */
export class PostgresWriter implements RollingWriter {
  readonly #database: Database
  readonly #tables: Tables

  constructor(database: Database, tables: Tables) {
    this.#database = database
    this.#tables = tables
  }

  write(roll: Roll, batches: AsyncIterable<RecordBatch>, signal: AbortSignal): Promise<Written> {
    return this.#database.use(
      async session => {
        const attempt = new Attempt(roll, session, this.#tables, this.#database.statementMs, signal)
        try {
          for await (const batch of batches) {
            signal.throwIfAborted()
            await attempt.add(batch)
          }
          return await attempt.finish()
        } catch (error) {
          // Whatever went wrong may be a table that someone has changed.
          this.#tables.forget(attempt.tables)
          throw error
        }
      },
      { signal },
    )
  }

  close(): Promise<void> {
    return this.#database.close()
  }
}

/** What a roll has for one table. */
interface Target {
  readonly table: Table
  readonly rows: CopyBuffer
  readonly writer: RowWriter
  readonly staging: Staging
  staged: boolean
}

/** One attempt at one roll: its transaction begins with the first chunk that is copied. */
class Attempt {
  readonly #roll: Roll
  readonly #session: Session
  readonly #tables: Tables
  readonly #statementMs: number
  readonly #signal: AbortSignal
  readonly #targets = new Map<Table, Target>()
  /** By the type that a datum names; its own topic's data name none. */
  readonly #byType = new Map<string, Target>()
  readonly #unstorable: Refused[] = []
  #bytes = 0
  #begun = false

  constructor(roll: Roll, session: Session, tables: Tables, statementMs: number, signal: AbortSignal) {
    this.#roll = roll
    this.#session = session
    this.#tables = tables
    this.#statementMs = statementMs
    this.#signal = signal
  }

  get tables(): Table[] {
    return [...this.#targets.keys()]
  }

  async add(batch: RecordBatch): Promise<void> {
    const cursor = new FrameCursor(batch.frames, batch.ascii)
    while (cursor.next()) {
      if (cursor.isVoid) continue
      const offset = batch.first + cursor.index
      const target = this.#targetOf(cursor.type)
      const issue =
        target === undefined
          ? `its topic '${cursor.type}' is not one that this agent stores`
          : target.writer.add(cursor, offset, batch.ascii)
      if (issue !== undefined) this.#unstorable.push({ offset, reason: issue })
      else if (target !== undefined && target.rows.length >= CHUNK_BYTES) await this.#copy(target)
    }
  }

  async finish(): Promise<Written> {
    // In one order always, so that two attempts at once wait for each other and neither for both.
    const targets = [...this.#targets.values()].sort((a, b) => (a.table.name < b.table.name ? -1 : 1))
    for (const target of targets) if (target.rows.rows > 0) await this.#copy(target)
    const staged = targets.filter(target => target.staged)
    for (const { staging } of staged) this.#unstorable.push(...(await insertStaged(this.#session, staging, this.#roll)))
    if (this.#begun) {
      // Who has lost the lease commits nothing more, though it would do no harm.
      this.#signal.throwIfAborted()
      failpoint('in-roll')
      await this.#session.run('COMMIT')
    }
    return { files: staged.length, bytes: this.#bytes, unstorable: this.#unstorable.sort((a, b) => a.offset - b.offset) }
  }

  /** The table of a datum by the type that it names, undefined where that is none of this agent's. */
  #targetOf(type: string): Target | undefined {
    let target = this.#byType.get(type)
    if (target !== undefined) return target
    const topic = type === '' ? this.#roll.topic : this.#roll.types.get(type)
    if (topic === undefined) return undefined
    const table = this.#tables.of(topic)
    target = this.#targets.get(table) ?? this.#newTarget(table)
    this.#targets.set(table, target)
    this.#byType.set(type, target)
    return target
  }

  #newTarget(table: Table): Target {
    const rows = new CopyBuffer()
    return { table, rows, writer: new RowWriter(table, rows), staging: new Staging(table), staged: false }
  }

  /** Sends what is held for a table. Resolves when the server has it: that is what keeps memory bounded. */
  async #copy(target: Target): Promise<void> {
    if (!this.#begun) {
      await this.#session.run(begin(this.#statementMs))
      this.#begun = true
    }
    if (!target.staged) {
      await this.#tables.ensure(target.table, this.#session)
      await this.#session.run(target.staging.create)
      target.staged = true
    }
    this.#bytes += target.rows.length
    await this.#session.copy(target.staging.copy, target.rows.finished())
    target.rows.clear()
  }
}
