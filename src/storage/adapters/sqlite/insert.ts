import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { failpoint } from '../../../engine/failpoint.ts'
import { isAboutRow } from './refusal.ts'
import type { Row } from './row-buffer.ts'

/** Rows that go into one table. */
export interface Insertion {
  readonly statement: StatementSync
  readonly rows: readonly Row[]
}

export interface Refused {
  readonly offset: number
  readonly reason: string
}

/**
 * Inserts rows in one transaction. Rows that a table refuses (a constraint or a trigger of its owner's) must not hold up the others for ever:
 * they are left out. @returns those. @throws SQLite's errors, some of the rows being stored or none.
 */
export function insertRows(db: DatabaseSync, insertions: readonly Insertion[]): Refused[] {
  try {
    return together(db, insertions)
  } catch (error) {
    if (!isAboutRow(error)) throw error
    // A trigger that says ROLLBACK takes the rows before it along, and a deferred foreign key is looked at by the commit alone, which names no row.
    return insertEach(insertions, () => undefined)
  }
}

function together(db: DatabaseSync, insertions: readonly Insertion[]): Refused[] {
  db.exec('BEGIN IMMEDIATE')
  try {
    const refused = insertEach(insertions, error => {
      if (!db.isTransaction) throw error
    })
    failpoint('in-roll')
    db.exec('COMMIT')
    return refused
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK')
    throw error
  }
}

/** @param refusing told of each refusal before the next row. */
function insertEach(insertions: readonly Insertion[], refusing: (error: Error) => void): Refused[] {
  const refused: Refused[] = []
  for (const { statement, rows } of insertions) {
    for (const { offset, values } of rows) {
      try {
        statement.run(...values)
      } catch (error) {
        if (!isAboutRow(error)) throw error
        refusing(error)
        refused.push({ offset, reason: `SQLite refuses it: ${error.message}` })
      }
    }
  }
  return refused
}
