import type { DatabaseSync } from 'node:sqlite'
import { isReplayTopic } from '../../agents/dead-letter.ts'
import { AGAIN, type AgentVersion, type ClaimStates, DEAD, DONE, type Mark, type OutputRange } from '../../trace/trace.ts'
import { groupName } from '../engine.ts'
import type { Catalog } from './catalog.ts'
import { numberAt, Query, textAt } from './rows.ts'
import type { PlacedRange } from './trace-rows.ts'

/** The reading side of the trace. */
export class TraceReader {
  readonly #agents: Query
  readonly #done: Query
  readonly #exceptions: Query
  readonly #claims: Query
  readonly #replay: Query
  readonly #group: Query
  readonly #agent: Query
  readonly #line: Query
  readonly #catalog: Catalog
  readonly #lines = new Map<string, readonly number[]>()

  constructor(db: DatabaseSync, catalog: Catalog) {
    this.#catalog = catalog
    this.#agents = new Query(db, 'SELECT agent, name, version FROM agents ORDER BY name, version')
    this.#group = new Query(db, 'SELECT group_id FROM groups WHERE name = ?')
    this.#agent = new Query(db, 'SELECT agent FROM agents WHERE name = ? AND version = ?')
    this.#line = new Query(
      db,
      `WITH RECURSIVE line(name) AS (SELECT ?1 UNION SELECT g.name FROM groups g JOIN line ON g.replaced_by = line.name)
       SELECT a.agent FROM line JOIN agents a ON a.name || '@' || a.version = line.name`,
    )
    const overlaps = 'WHERE agent = ?1 AND place = ?2 AND first < ?4 AND end > ?3'
    this.#done = new Query(
      db,
      // Rows never overlap, so the first that can reach into the range is the last that begins at or before it.
      `SELECT first, end, claimed_ms, finished_ms, outputs FROM trace_done WHERE agent = ?1 AND place = ?2 AND first >= ifnull(
         (SELECT max(first) FROM trace_done WHERE agent = ?1 AND place = ?2 AND first <= ?3), 0) AND first < ?4 AND end > ?3 ORDER BY first`,
    )
    this.#exceptions = new Query(
      db,
      'SELECT offset, attempts, claimed_ms, finished_ms, reason FROM trace_exceptions WHERE agent = ? AND place = ? AND offset >= ? AND offset < ?',
    )
    this.#claims = new Query(db, `SELECT first, end, claimed_ms FROM trace_claims ${overlaps} ORDER BY claimed_ms`)
    this.#replay = new Query(
      db,
      `SELECT r.offset FROM letter_replays r JOIN letters l ON l.letter = r.letter
       WHERE r.place = ? AND r.offset >= ? AND r.offset < ? AND l.state = 'done'`,
    )
  }

  /** What is known of positions [first, end): nothing, nearly always, in a few lookups for the whole range. */
  states(agent: AgentVersion, place: number, first: number, end: number): ClaimStates {
    const states = new Uint8Array(end - first)
    const raise = (from: number, to: number, state: number) => {
      for (let at = Math.max(from, first) - first; at < Math.min(to, end) - first; at++) if (states[at]! < state) states[at] = state
    }
    for (const id of this.#lineOf(agent)) {
      for (const row of this.#claims.all(id, place, first, end)) raise(numberAt(row, 0), numberAt(row, 1), AGAIN)
      for (const row of this.#exceptions.all(id, place, first, end)) {
        const offset = numberAt(row, 0)
        if (row[4] !== null) raise(offset, offset + 1, DEAD)
        else raise(offset, offset + 1, AGAIN)
      }
      for (const row of this.#done.all(id, place, first, end)) raise(numberAt(row, 0), numberAt(row, 1), DONE)
    }
    if (isReplayTopic(this.#catalog.at(place).topic)) {
      for (const row of this.#replay.all(place, first, end)) raise(numberAt(row, 0), numberAt(row, 0) + 1, DONE)
    }
    return states
  }

  /** Every agent's mark on one position. */
  marks(place: number, offset: number): Mark[] {
    const marks: Mark[] = []
    for (const row of this.#agents.all()) {
      const mark = this.#mark(numberAt(row, 0), { name: textAt(row, 1), version: numberAt(row, 2) }, place, offset)
      if (mark !== undefined) marks.push(mark)
    }
    return marks
  }

  /** Where the outputs of every agent's work on a position are. */
  outputs(place: number, offset: number): PlacedRange[] {
    return this.#agents.all().flatMap(agent => {
      const row = this.#done.one(numberAt(agent, 0), place, offset, offset + 1)
      return row === undefined ? [] : parseOutputs(textAt(row, 4))
    })
  }

  #mark(agent: number, name: AgentVersion, place: number, offset: number): Mark | undefined {
    const { topic, partition } = this.#catalog.at(place)
    const done = this.#done.one(agent, place, offset, offset + 1)
    const exception = this.#exceptions.one(agent, place, offset, offset + 1)
    const claim = this.#claims.one(agent, place, offset, offset + 1)
    const attempts = exception === undefined ? 1 : numberAt(exception, 1)
    const at = { ...name, topic, partition, offset, attempts }
    if (done !== undefined) {
      return {
        ...at,
        state: 'done',
        claimedMs: numberAt(done, 2),
        finishedMs: numberAt(done, 3),
        outputs: parseOutputs(textAt(done, 4)).map(o => this.#named(o)),
      }
    }
    if (exception !== undefined && exception[4] !== null) {
      const times = { claimedMs: numberAt(exception, 2), finishedMs: numberAt(exception, 3) }
      return { ...at, state: 'dead', ...times, reason: textAt(exception, 4), outputs: [] }
    }
    if (claim !== undefined) return { ...at, state: 'claimed', claimedMs: numberAt(claim, 2), outputs: [] }
    return undefined
  }

  #named({ place, first, end }: PlacedRange): OutputRange {
    const { topic, partition } = this.#catalog.at(place)
    return { topic, partition, first, end }
  }

  /**
   * The agent and those whose place it has taken over: what one of them did beyond its offset is not to be done again, for it has the
   * same ids.
   */
  #lineOf(agent: AgentVersion): readonly number[] {
    const name = groupName(agent)
    const known = this.#lines.get(name)
    if (known !== undefined) return known
    // Whom it replaces is settled with its group's row, and the agent has one of its own from its first mark on. Asked before the line is
    // read: the writer may make them at any moment, and a line without the agent itself must not be kept.
    const settled = this.#group.one(name) !== undefined && this.#agent.one(agent.name, agent.version) !== undefined
    const line = this.#line.all(name).map(row => numberAt(row, 0))
    if (settled) this.#lines.set(name, line)
    return line
  }
}

function parseOutputs(text: string): PlacedRange[] {
  if (text === '') return []
  return text.split(',').map(part => {
    // Written by trace-rows.ts as three numbers.
    const [place = 0, first = 0, end = 0] = part.split(':').map(Number)
    return { place, first, end }
  })
}
