import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { AgentVersion, OutputRange } from '../../trace/trace.ts'
import type { PackedClaim, PackedMarks } from './messages.ts'
import { numberAt, Query, textAt } from './rows.ts'

/** Outputs of a unit, by place: what becomes of them in a trace row. */
export interface PlacedRange extends Omit<OutputRange, 'topic' | 'partition'> {
  readonly place: number
}

/** Claims of one agent in one place that are not in the database yet, or not known to be finished. */
interface InHand {
  readonly agent: AgentVersion
  /** Noted, not written: most are finished before anyone could have looked. */
  pending: PackedClaim[]
  /** Rows of trace_claims may exist. */
  written: boolean
}

/** The writing side of the trace: ranges of positions, exceptions apart. */
export class TraceRows {
  readonly #findAgent: Query
  readonly #insertAgent: StatementSync
  readonly #overlapping: Query
  readonly #insertDone: StatementSync
  readonly #insertException: StatementSync
  readonly #insertClaim: StatementSync
  readonly #deleteClaims: StatementSync
  readonly #claimed: Query
  readonly #agents = new Map<string, number>()
  readonly #inHand = new Map<string, InHand>()

  constructor(db: DatabaseSync) {
    this.#findAgent = new Query(db, 'SELECT agent FROM agents WHERE name = ? AND version = ?')
    this.#insertAgent = db.prepare('INSERT INTO agents (name, version) VALUES (?, ?)')
    this.#overlapping = new Query(db, 'SELECT first, end FROM trace_done WHERE agent = ? AND place = ? AND first < ? ORDER BY first DESC')
    this.#insertDone = db.prepare(
      'INSERT INTO trace_done (agent, place, first, end, claimed_ms, finished_ms, outputs) VALUES (?, ?, ?, ?, ?, ?, ?)',
    )
    // A reason once given stays: dead again, late or twice, is no news (I4).
    this.#insertException = db.prepare(
      `INSERT INTO trace_exceptions (agent, place, offset, attempts, claimed_ms, finished_ms, reason) VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET attempts = max(attempts, excluded.attempts), reason = coalesce(reason, excluded.reason)`,
    )
    this.#insertClaim = db.prepare('INSERT OR REPLACE INTO trace_claims (agent, place, first, end, claimed_ms) VALUES (?, ?, ?, ?, ?)')
    this.#deleteClaims = db.prepare('DELETE FROM trace_claims WHERE agent = ? AND place = ? AND end <= ?')
    this.#claimed = new Query(db, 'SELECT DISTINCT a.name, a.version, c.place FROM trace_claims c JOIN agents a ON a.agent = c.agent')
    this.#load()
  }

  agent(agent: AgentVersion): number {
    const key = `${agent.name}@${agent.version}`
    let id = this.#agents.get(key)
    if (id === undefined) {
      const row = this.#findAgent.one(agent.name, agent.version)
      id = row === undefined ? Number(this.#insertAgent.run(agent.name, agent.version).lastInsertRowid) : numberAt(row, 0)
      this.#agents.set(key, id)
    }
    return id
  }

  mark(agent: number, marks: PackedMarks, outputs: readonly PlacedRange[]): void {
    const text = outputs.map(o => `${o.place}:${o.first}:${o.end}`).join()
    const { place, claimedMs, finishedMs } = marks
    for (const range of marks.done) {
      for (const [first, end] of this.#uncovered(agent, place, range.first, range.end)) {
        this.#insertDone.run(agent, place, first, end, claimedMs, finishedMs, text)
      }
    }
    const attempts = new Map(marks.attempts.map(a => [a.offset, a.attempts]))
    for (const dead of marks.dead) {
      this.#insertException.run(agent, place, dead.offset, attempts.get(dead.offset) ?? 1, claimedMs, finishedMs, dead.reason)
      attempts.delete(dead.offset)
    }
    for (const [offset, count] of attempts) {
      if (count > 1) this.#insertException.run(agent, place, offset, count, claimedMs, finishedMs, null)
    }
  }

  /** Notes a claim, outside of any transaction; it is written by {@link writeClaims} unless the work is committed before. */
  claim(agent: AgentVersion, claim: PackedClaim): void {
    const key = keyOf(agent, claim.place)
    const known = this.#inHand.get(key)
    if (known === undefined) this.#inHand.set(key, { agent, pending: [claim], written: false })
    else known.pending.push(claim)
  }

  /** Everything of the place below an offset is done or dead: claims on it say nothing any more. */
  finished(agent: AgentVersion, place: number, offset: number): void {
    const key = keyOf(agent, place)
    const known = this.#inHand.get(key)
    if (known === undefined) return
    known.pending = known.pending.filter(claim => claim.end > offset)
    if (known.written) this.#deleteClaims.run(this.agent(agent), place, offset)
    else if (known.pending.length === 0) this.#inHand.delete(key)
  }

  get hasPendingClaims(): boolean {
    for (const known of this.#inHand.values()) if (known.pending.length > 0) return true
    return false
  }

  writeClaims(): void {
    for (const known of this.#inHand.values()) {
      if (known.pending.length === 0) continue
      const agent = this.agent(known.agent)
      for (const claim of known.pending) this.#insertClaim.run(agent, claim.place, claim.first, claim.end, claim.atMs)
      known.pending = []
      known.written = true
    }
  }

  /** After a rollback. Claims that were only noted are lost: they inform, and hold nothing back. */
  forget(): void {
    this.#agents.clear()
    this.#inHand.clear()
    this.#load()
  }

  #load(): void {
    for (const row of this.#claimed.all()) {
      const agent = { name: textAt(row, 0), version: numberAt(row, 1) }
      this.#inHand.set(keyOf(agent, numberAt(row, 2)), { agent, pending: [], written: true })
    }
  }

  /** What of [first, end) has no row yet, so that rows never overlap and what stands is not changed. */
  #uncovered(agent: number, place: number, first: number, end: number): [number, number][] {
    const free: [number, number][] = []
    let upper = end
    for (const row of this.#overlapping.each(agent, place, end)) {
      const rowEnd = numberAt(row, 1)
      if (rowEnd <= first) break
      if (rowEnd < upper) free.push([rowEnd, upper])
      upper = Math.min(upper, numberAt(row, 0))
    }
    if (first < upper) free.push([first, upper])
    return free
  }
}

function keyOf(agent: AgentVersion, place: number): string {
  return `${agent.name}@${agent.version}:${place}`
}
