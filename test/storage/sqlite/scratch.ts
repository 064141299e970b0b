import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue, type SQLOutputValue } from 'node:sqlite'
import { onTestFinished } from 'vitest'

type Row = Record<string, SQLOutputValue>

/** A file that one test has for itself, in a folder of its own, looked into by plain SQL. */
export interface Scratch {
  readonly folder: string
  readonly file: string
  /** Runs one statement on a connection of its own. */
  sql(text: string, ...values: SQLInputValue[]): Row[]
  /** Runs many statements on a connection that stays open. */
  hold(text: string): DatabaseSync
  remove(): void
}

export function scratchFile(): Scratch {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-sqlite-'))
  const file = join(folder, 'rows.db')
  const held: DatabaseSync[] = []
  return {
    folder,
    file,
    sql(text, ...values) {
      const db = new DatabaseSync(file, { timeout: 5_000 })
      try {
        // Plain objects, which compare with literals.
        return db
          .prepare(text)
          .all(...values)
          .map(row => ({ ...row }))
      } finally {
        db.close()
      }
    },
    hold(text) {
      const db = new DatabaseSync(file)
      held.push(db)
      db.exec(text)
      return db
    },
    remove() {
      for (const db of held) if (db.isOpen) db.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** One that is removed when the test ends. */
export function scratch(): Scratch {
  const made = scratchFile()
  onTestFinished(() => made.remove())
  return made
}
