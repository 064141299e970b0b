import type { DatabaseSync, StatementSync } from 'node:sqlite'
import type { Checkpoint } from '../../stream/stream.ts'
import { numberAt, Query, type Row, textAt } from './rows.ts'

/** A group as its row says: its edition holds for as long as the group lives. */
export interface GroupRow {
  readonly id: number
  readonly name: string
  readonly edition: number
  readonly replacedBy: string | undefined
}

const COLUMNS = 'place, first, offset, done, dead, duplicate, lost, edition, intent_first, intent_end'

export function checkpointOf(row: Row, from: number): Checkpoint {
  return {
    first: numberAt(row, from),
    offset: numberAt(row, from + 1),
    done: numberAt(row, from + 2),
    dead: numberAt(row, from + 3),
    duplicate: numberAt(row, from + 4),
    lost: numberAt(row, from + 5),
    edition: numberAt(row, from + 6),
    ...(row[from + 7] === null ? {} : { intent: { first: numberAt(row, from + 7), end: numberAt(row, from + 8) } }),
  }
}

/** Where the groups stand: read once, kept in memory, and written once a group commit. */
export class Checkpoints {
  readonly #find: Query
  readonly #insert: StatementSync
  readonly #replace: StatementSync
  readonly #rows: Query
  readonly #write: StatementSync
  readonly #groups = new Map<string, GroupRow>()
  readonly #places = new Map<number, Map<number, Checkpoint>>()
  readonly #moved = new Map<number, Set<number>>()

  constructor(db: DatabaseSync) {
    this.#find = new Query(db, 'SELECT group_id, edition, replaced_by FROM groups WHERE name = ?')
    this.#insert = db.prepare('INSERT INTO groups (name, edition) VALUES (?, ?)')
    this.#replace = db.prepare('UPDATE groups SET replaced_by = ? WHERE name = ?')
    this.#rows = new Query(db, `SELECT ${COLUMNS} FROM checkpoints WHERE group_id = ?`)
    this.#write = db.prepare(`INSERT OR REPLACE INTO checkpoints (group_id, ${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
  }

  group(name: string): GroupRow | undefined {
    const known = this.#groups.get(name)
    if (known !== undefined) return known
    const row = this.#find.one(name)
    if (row === undefined) return undefined
    const group: GroupRow = {
      id: numberAt(row, 0),
      name,
      edition: numberAt(row, 1),
      replacedBy: row[2] === null ? undefined : textAt(row, 2),
    }
    this.#groups.set(name, group)
    return group
  }

  /** Makes the group's row, where there is none. */
  make(name: string, edition: number): GroupRow {
    const known = this.group(name)
    if (known !== undefined) return known
    this.#insert.run(name, edition)
    // It was inserted in the line above.
    return this.group(name) as GroupRow
  }

  /** From now on `old` gets no lease. */
  end(old: GroupRow, replacedBy: string): void {
    this.#replace.run(replacedBy, old.name)
    this.#groups.set(old.name, { ...old, replacedBy })
  }

  /** The group that has the place of this one now: itself, or the last of those that took over from it. */
  holderOf(name: string): string {
    let holder = name
    for (let next = this.group(holder)?.replacedBy; next !== undefined; next = this.group(holder)?.replacedBy) holder = next
    return holder
  }

  of(group: GroupRow): ReadonlyMap<number, Checkpoint> {
    return this.#of(group.id)
  }

  set(group: GroupRow, place: number, checkpoint: Checkpoint): void {
    this.#of(group.id).set(place, checkpoint)
    const moved = this.#moved.get(group.id)
    if (moved === undefined) this.#moved.set(group.id, new Set([place]))
    else moved.add(place)
  }

  flush(): void {
    for (const [group, places] of this.#moved) {
      for (const place of places) {
        // `set` put it there.
        const c = this.#of(group).get(place) as Checkpoint
        this.#write.run(
          group,
          place,
          c.first,
          c.offset,
          c.done,
          c.dead,
          c.duplicate,
          c.lost,
          c.edition,
          c.intent?.first ?? null,
          c.intent?.end ?? null,
        )
      }
    }
    this.#moved.clear()
  }

  /** After a rollback: everything is read from the database again. */
  forget(): void {
    this.#groups.clear()
    this.#places.clear()
    this.#moved.clear()
  }

  #of(group: number): Map<number, Checkpoint> {
    let places = this.#places.get(group)
    if (places === undefined) {
      places = new Map(this.#rows.all(group).map(row => [numberAt(row, 0), checkpointOf(row, 1)]))
      this.#places.set(group, places)
    }
    return places
  }
}
