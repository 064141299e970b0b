import type { StatementSync } from 'node:sqlite'
import { LogRetention } from './log-retention.ts'
import { numberAt, Query } from './rows.ts'
import type { Tables } from './tables.ts'

/** Rows of the trace deleted in one step. */
const TRACE_ROWS = 500

/** What has a time and is kept by (agent, place). */
interface Expiring {
  /** The next (agent, place) after one. */
  readonly next: Query
  readonly remove: StatementSync
  /** What a replay did before the group's beginning. */
  readonly removeBefore: StatementSync
}

/** Deletes what is past its time: data by their topics' retention, then id buckets, then the trace. In short steps, so that appends never wait long. */
export class Retention {
  readonly #tables: Tables
  readonly #traceRetentionMs: number
  readonly #log: LogRetention
  readonly #trace: readonly Expiring[]
  readonly #claims: StatementSync
  readonly #committed: Query
  #pass: Iterator<void> | undefined

  constructor(tables: Tables, traceRetentionMs: number) {
    this.#tables = tables
    this.#traceRetentionMs = traceRetentionMs
    this.#log = new LogRetention(tables)
    this.#trace = [expiring(tables, 'trace_done', 'first', 'end'), expiring(tables, 'trace_exceptions', 'offset', 'offset + 1')]
    this.#committed = new Query(
      tables.db,
      `SELECT c.offset, c.first FROM groups g JOIN checkpoints c ON c.group_id = g.group_id
       WHERE g.name = (SELECT name || '@' || version FROM agents WHERE agent = ?) AND c.place = ?`,
    )
    this.#claims = tables.db.prepare('DELETE FROM trace_claims WHERE claimed_ms < ?')
  }

  /** One short step, within a transaction of its own. @returns whether this pass has more to do. */
  step(nowMs: number): boolean {
    this.#pass ??= this.#run(nowMs)
    const done = this.#pass.next().done === true
    if (done) this.#pass = undefined
    return !done
  }

  *#run(nowMs: number): Generator<void, void> {
    yield* this.#log.run(nowMs)
    while (this.#tables.ids.dropExpired(nowMs)) yield
    const horizonMs = nowMs - this.#traceRetentionMs
    this.#claims.run(horizonMs)
    this.#tables.origins.forgetExpired()
    for (const { next, remove, removeBefore } of this.#trace) {
      let at = next.one(-1, -1)
      while (at !== undefined) {
        const [agent, place] = [numberAt(at, 0), numberAt(at, 1)]
        const { from, below } = this.#forgettable(agent, place)
        const floor = this.#tables.reader.bounds(place).first
        const before = removeBefore.run(agent, place, horizonMs, Math.min(floor, from)).changes
        const removed = Number(remove.run(agent, place, horizonMs, below, from).changes) + Number(before)
        if (removed > 0) yield
        if (removed < TRACE_ROWS) at = next.one(agent, place)
      }
    }
  }

  /**
   * What is done or dead beyond the committed offset is told by its mark alone, and would be done again without it. It stays, and with a
   * version that was replaced it stays for good: that is little, and the next one needs it. So it is with what a replay did before the offset
   * where the group began: it stays for as long as the datum does, or another replay would do it again.
   */
  #forgettable(agent: number, place: number): { readonly from: number; readonly below: number } {
    const row = this.#committed.one(agent, place)
    return row === undefined ? { from: 0, below: Number.MAX_SAFE_INTEGER } : { from: numberAt(row, 1), below: numberAt(row, 0) }
  }
}

function expiring({ db }: Tables, table: string, position: string, end: string): Expiring {
  return {
    next: new Query(db, `SELECT agent, place FROM ${table} WHERE (agent, place) > (?, ?) ORDER BY agent, place LIMIT 1`),
    // Times rise with positions, but for what was marked late: that goes when it comes to the front.
    remove: db.prepare(
      `DELETE FROM ${table} WHERE (agent, place, ${position}) IN (SELECT agent, place, ${position} FROM ${table}
         WHERE agent = ?1 AND place = ?2 AND ${position} >= ?5 ORDER BY ${position} LIMIT ${TRACE_ROWS}) AND finished_ms < ?3 AND ${end} <= ?4`,
    ),
    removeBefore: db.prepare(
      `DELETE FROM ${table} WHERE (agent, place, ${position}) IN (SELECT agent, place, ${position} FROM ${table}
         WHERE agent = ?1 AND place = ?2 ORDER BY ${position} LIMIT ${TRACE_ROWS}) AND finished_ms < ?3 AND ${end} <= ?4`,
    ),
  }
}
