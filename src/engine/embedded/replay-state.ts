import type { DatabaseSync } from 'node:sqlite'
import type { Fate } from '../../agents/replay.ts'
import type { Checkpoint } from '../../stream/stream.ts'
import type { OriginRange, ReplayOrigins } from './replay-origins.ts'
import { numberAt, Query, textAt } from './rows.ts'

/** What of data an agent has done, or will. */
export class ReplayState {
  readonly #origins: ReplayOrigins
  readonly #line: Query
  readonly #done: Query
  readonly #letters: Query

  constructor(db: DatabaseSync, origins: ReplayOrigins) {
    this.#origins = origins
    this.#line = new Query(
      db,
      `WITH RECURSIVE line(name) AS (SELECT ?1 UNION SELECT g.name FROM groups g JOIN line ON g.replaced_by = line.name)
       SELECT a.agent FROM line JOIN agents a ON a.name || '@' || a.version = line.name`,
    )
    this.#done = new Query(db, 'SELECT first, end FROM trace_done WHERE agent = ? AND place = ? AND first < ? AND end > ?')
    this.#letters = new Query(db, 'SELECT offset, state FROM letters WHERE agent = ? AND place = ? AND offset >= ? AND offset < ?')
  }

  /** The agents of a group and of those whose place it has. */
  line(group: string): number[] {
    return this.#line.all(group).map(row => numberAt(row, 0))
  }

  /**
   * Of each position of a range. Below the group's offset all is done or dead, whether or not the trace remembers it, from where the group
   * began; before that a mark alone says so, which is kept for as long as the datum is.
   * @param put where their data have been put again, if they were: once the range's own have expired, the marks there alone say what is done.
   */
  fates(
    reader: { readonly line: readonly number[]; readonly checkpoint: Checkpoint; readonly place: number; readonly read: number },
    range: OriginRange,
    put?: { readonly place: number; readonly first: number },
  ): Fate[] {
    const { first, end, place } = range
    const fates = new Array<Fate>(end - first).fill('replayed')
    const set = (from: number, to: number, fate: Fate) => {
      for (let at = Math.max(from, first); at < Math.min(to, end); at++) fates[at - first] = fate
    }
    for (const waiting of this.#origins.waiting(range, reader.place, reader.read)) set(waiting.first, waiting.end, 'waiting')
    set(reader.checkpoint.first, reader.checkpoint.offset, 'done')
    for (const agent of reader.line) {
      for (const row of this.#done.all(agent, place, end, first)) set(numberAt(row, 0), numberAt(row, 1), 'done')
      if (put === undefined) continue
      const shift = first - put.first
      for (const row of this.#done.all(agent, put.place, end - shift, put.first))
        set(numberAt(row, 0) + shift, numberAt(row, 1) + shift, 'done')
    }
    set(reader.checkpoint.offset, Number.POSITIVE_INFINITY, 'ahead')
    for (const agent of reader.line) {
      for (const row of this.#letters.all(agent, place, first, end)) {
        const offset = numberAt(row, 0)
        set(offset, offset + 1, textAt(row, 1) === 'done' ? 'done' : 'dead')
      }
    }
    return fates
  }
}
