import type { DatabaseSync, SQLInputValue } from 'node:sqlite'
import type { LetterCount, LetterFilter, LetterState, StoredLetter } from '../../agents/dead-letter.ts'
import { formatId, parseId } from '../../envelope/data-id.ts'
import { bytesAt, numberAt, Query, type Row, textAt } from './rows.ts'

const SELECT = `SELECT l.letter, a.name, a.version, t.name, p.partition, l.offset, l.data_id, l.code, l.name, l.message, l.stack, l.attempts,
  l.at_ms, l.state, l.replays, l.replayed_ms, e.edit, e.by, e.at_ms
  FROM letters l JOIN agents a ON a.agent = l.agent JOIN places p ON p.place = l.place JOIN topics t ON t.topic = p.topic
  LEFT JOIN letter_edits e ON e.letter = l.letter AND e.edit = (SELECT max(edit) FROM letter_edits WHERE letter = l.letter)`
/** What was edited last, else what died. An expired letter has let go of both. */
const FRAME = `SELECT ifnull((SELECT frame FROM letter_edits WHERE letter = ?1 ORDER BY edit DESC LIMIT 1), frame) FROM letters
  WHERE letter = ?1 AND state <> 'expired'`

/** The dead letters as they are listed. */
export class LetterReader {
  readonly #db: DatabaseSync
  readonly #frame: Query
  readonly #original: Query
  readonly #counts: Query

  constructor(db: DatabaseSync) {
    this.#db = db
    this.#frame = new Query(db, FRAME)
    this.#original = new Query(db, "SELECT frame FROM letters WHERE letter = ? AND state <> 'expired'")
    this.#counts = new Query(
      db,
      `SELECT a.name, a.version, l.state, l.count FROM (SELECT agent, state, count(*) AS count FROM letters GROUP BY agent, state) l
       JOIN agents a ON a.agent = l.agent ORDER BY a.name, a.version, l.state`,
    )
  }

  frame(letter: number): Uint8Array | undefined {
    const row = this.#frame.one(letter)
    return row === undefined ? undefined : bytesAt(row, 0)
  }

  original(letter: number): Uint8Array | undefined {
    const row = this.#original.one(letter)
    return row === undefined ? undefined : bytesAt(row, 0)
  }

  counts(): LetterCount[] {
    return this.#counts.all().map(row => ({
      agent: { name: textAt(row, 0), version: numberAt(row, 1) },
      // As in letterOf.
      state: row[2] as LetterState,
      count: numberAt(row, 3),
    }))
  }

  /** The newest first, or from a letter on the oldest. */
  list(filter: LetterFilter): StoredLetter[] {
    const where: string[] = []
    const values: SQLInputValue[] = []
    const only = (condition: string, value: SQLInputValue | undefined) => {
      if (value === undefined) return
      where.push(condition)
      values.push(value)
    }
    only('a.name = ?', filter.agent)
    only('a.version = ?', filter.version)
    only('t.name = ?', filter.topic)
    only('l.state = ?', filter.state)
    only('l.letter IN (SELECT value FROM json_each(?))', filter.letters === undefined ? undefined : JSON.stringify(filter.letters))
    only('l.data_id = ?', filter.dataId === undefined ? undefined : parseId(filter.dataId))
    // instr, not LIKE: a reason may hold % and _.
    only("instr(ifnull(l.code || ' ', '') || l.name || ': ' || l.message, ?) > 0", filter.matching)
    only('l.at_ms < ?', filter.diedBeforeMs)
    only('l.letter > ?', filter.after)
    const order = filter.after === undefined ? 'DESC' : 'ASC'
    const conditions = where.length === 0 ? '' : ` WHERE ${where.join(' AND ')}`
    return new Query(this.#db, `${SELECT}${conditions} ORDER BY l.letter ${order} LIMIT ?`).all(...values, filter.limit).map(letterOf)
  }
}

function letterOf(row: Row): StoredLetter {
  return {
    letter: numberAt(row, 0),
    agent: { name: textAt(row, 1), version: numberAt(row, 2) },
    topic: textAt(row, 3),
    partition: numberAt(row, 4),
    offset: numberAt(row, 5),
    dataId: formatId(bytesAt(row, 6), 0),
    error: {
      ...(row[7] === null ? {} : { code: textAt(row, 7) }),
      name: textAt(row, 8),
      message: textAt(row, 9),
      ...(row[10] === null ? {} : { stack: textAt(row, 10) }),
    },
    attempts: numberAt(row, 11),
    atMs: numberAt(row, 12),
    // Written by letters.ts alone, which knows no other states.
    state: row[13] as LetterState,
    replays: numberAt(row, 14),
    ...(row[15] === null ? {} : { replayedMs: numberAt(row, 15) }),
    ...(row[16] === null ? {} : { edited: { times: numberAt(row, 16), by: textAt(row, 17), atMs: numberAt(row, 18) } }),
  }
}
