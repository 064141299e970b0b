import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { LetterState } from '../../agents/dead-letter.ts'
import { parseId } from '../../envelope/data-id.ts'
import { retype } from '../../envelope/retype.ts'
import type { AgentVersion, Range } from '../../trace/trace.ts'
import type { PackedLetter } from './messages.ts'
import type { Origin } from './replay-origins.ts'
import { bytesAt, numberAt, Query, textAt } from './rows.ts'

/** A letter's datum, ready to be appended to a replay topic. */
export interface Replay {
  readonly agent: AgentVersion
  readonly frames: Uint8Array
}

/**
 * The writing side of the dead letters. A letter is `dead` until it is replayed or discarded; `replayed` until the agent has
 * handled it again; then `done`, or `dead` with the new reason, or with the old one where nobody will handle it there any more. `#set` is
 * the only setter but for dying again.
 */
export class Letters {
  readonly #insert: StatementSync
  readonly #again: StatementSync
  readonly #move: StatementSync
  readonly #action: StatementSync
  readonly #noteReplay: StatementSync
  readonly #countReplay: StatementSync
  readonly #replayed: Query
  readonly #replayedIn: Query
  readonly #origin: Query
  readonly #unhandled: Query
  readonly #dead: Query
  readonly #state: Query
  readonly #edit: StatementSync
  readonly #unedit: StatementSync
  readonly #empty: StatementSync

  constructor(db: DatabaseSync) {
    // A letter for the same position is the same letter: marking it late or twice makes no second one.
    this.#insert = db.prepare(
      `INSERT INTO letters (agent, place, offset, data_id, code, name, message, stack, attempts, at_ms, state, frame)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'dead', ?) ON CONFLICT DO NOTHING`,
    )
    this.#again = db.prepare(
      "UPDATE letters SET state = 'dead', code = ?, name = ?, message = ?, stack = ?, attempts = ?, at_ms = ? WHERE letter = ? AND state = 'replayed'",
    )
    this.#move = db.prepare('UPDATE letters SET state = ? WHERE letter = ?')
    this.#action = db.prepare('INSERT INTO letter_actions (letter, at_ms, action, by) VALUES (?, ?, ?, ?)')
    this.#noteReplay = db.prepare('INSERT INTO letter_replays (place, offset, letter) VALUES (?, ?, ?)')
    this.#countReplay = db.prepare('UPDATE letters SET replays = replays + 1, replayed_ms = ? WHERE letter = ?')
    this.#replayed = new Query(db, 'SELECT letter FROM letter_replays WHERE place = ? AND offset = ?')
    this.#replayedIn = new Query(db, 'SELECT letter FROM letter_replays WHERE place = ? AND offset >= ? AND offset < ?')
    this.#origin = new Query(
      db,
      'SELECT l.place, l.offset FROM letter_replays r JOIN letters l ON l.letter = r.letter WHERE r.place = ? AND r.offset = ?',
    )
    this.#unhandled = new Query(
      db,
      `SELECT r.letter FROM letter_replays r JOIN letters l ON l.letter = r.letter
       WHERE r.place = ?1 AND l.state = 'replayed' GROUP BY r.letter HAVING max(r.offset) < ?2`,
    )
    this.#dead = new Query(
      db,
      `SELECT a.name, a.version, t.name,
         ifnull((SELECT frame FROM letter_edits WHERE letter = l.letter ORDER BY edit DESC LIMIT 1), l.frame) FROM letters l JOIN agents a ON a.agent = l.agent JOIN places p ON p.place = l.place
       JOIN topics t ON t.topic = p.topic WHERE l.letter = ? AND l.state = 'dead'`,
    )
    this.#state = new Query(db, 'SELECT state, at_ms FROM letters WHERE letter = ?')
    this.#edit = db.prepare(
      `INSERT INTO letter_edits (letter, edit, at_ms, by, frame)
       VALUES (?1, ifnull((SELECT max(edit) FROM letter_edits WHERE letter = ?1), 0) + 1, ?2, ?3, ?4)`,
    )
    this.#unedit = db.prepare("UPDATE letter_edits SET frame = x'' WHERE letter = ?")
    this.#empty = db.prepare("UPDATE letters SET frame = x'', stack = NULL WHERE letter = ?")
  }

  /** A datum that died. In a replay topic it is its letter that is dead again, or one of a datum that comes from `origin`. */
  add(agent: number, letter: PackedLetter, frame: Uint8Array, origin: Origin | undefined): void {
    const { error } = letter
    const reason = [error.code ?? null, error.name, error.message, error.stack ?? null, letter.attempts, letter.atMs] as const
    const replayed = this.#replayed.one(letter.place, letter.offset)
    if (replayed !== undefined) this.#again.run(...reason, numberAt(replayed, 0))
    else {
      const { place, offset } = origin ?? letter
      this.#insert.run(agent, place, offset, parseId(letter.dataId), ...reason, frame)
    }
  }

  /** Positions of a replay topic are done: so are their letters. */
  done(place: number, range: Range): void {
    for (const row of this.#replayedIn.all(place, range.first, range.end)) this.#set(numberAt(row, 0), 'done')
  }

  /** The datum of a letter that is dead; undefined for any other. */
  take(letter: number): Replay | undefined {
    const row = this.#dead.one(letter)
    if (row === undefined) return undefined
    return { agent: { name: textAt(row, 0), version: numberAt(row, 1) }, frames: retype(bytesAt(row, 3), textAt(row, 2)) }
  }

  /** Where the datum at a position of a replay topic died. */
  origin(place: number, offset: number): Origin | undefined {
    const row = this.#origin.one(place, offset)
    return row === undefined ? undefined : { place: numberAt(row, 0), offset: numberAt(row, 1) }
  }

  /**
   * Letters whose last replay lies below an offset of a place where it will not be handled any more, and was not: they are dead as they
   * were, so that they can be replayed again. @returns the letters.
   */
  returned(place: number, below: number): number[] {
    const letters = this.#unhandled.all(place, below).map(row => numberAt(row, 0))
    for (const letter of letters) this.#set(letter, 'dead')
    return letters
  }

  replayed(letter: number, place: number, offset: number, by: string, nowMs: number): void {
    this.#noteReplay.run(place, offset, letter)
    this.#countReplay.run(nowMs, letter)
    this.#set(letter, 'replayed')
    this.#action.run(letter, nowMs, 'replay', by)
  }

  /** @returns whether the letter was there to be given up. */
  discard(letter: number, by: string, nowMs: number): boolean {
    const row = this.#state.one(letter)
    if (row === undefined || (row[0] !== 'dead' && row[0] !== 'replayed')) return false
    this.#set(letter, 'discarded')
    this.#action.run(letter, nowMs, 'discard', by)
    return true
  }

  /** @returns whether the letter was dead, and its replays give this datum now. */
  edit(letter: number, frame: Uint8Array, by: string, nowMs: number): boolean {
    const row = this.#state.one(letter)
    if (row === undefined || row[0] !== 'dead') return false
    this.#edit.run(letter, nowMs, by, frame)
    this.#action.run(letter, nowMs, 'edit', by)
    return true
  }

  /** @returns whether the letter was dead, and since before the time. What remains of it is that it was there. */
  expire(letter: number, diedBeforeMs: number, nowMs: number): boolean {
    const row = this.#state.one(letter)
    if (row === undefined || row[0] !== 'dead' || numberAt(row, 1) >= diedBeforeMs) return false
    this.#set(letter, 'expired')
    this.#empty.run(letter)
    this.#unedit.run(letter)
    this.#action.run(letter, nowMs, 'expire', 'retention')
    return true
  }

  #set(letter: number, state: LetterState): void {
    this.#move.run(state, letter)
  }
}
