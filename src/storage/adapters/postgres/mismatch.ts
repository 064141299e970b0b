import { MillraceError } from '../../../errors.ts'
import { checkDifferences, type Difference } from '../../rows/difference.ts'
import { quoted } from '../../rows/names.ts'
import { createTable } from './statements.ts'
import type { Table } from './table.ts'

/** A table as the catalogue has it. */
export interface FoundTable {
  /** `r` a table, `p` a partitioned one, `v` a view, … (pg_class.relkind). */
  readonly kind: string
  /** `u`: unlogged. */
  readonly persistence: string
  /** It has a primary key or another unique index on data_id alone. */
  readonly keyed: boolean
  readonly columns: readonly FoundColumn[]
}

export interface FoundColumn {
  readonly name: string
  readonly type: string
  /** It is NOT NULL and nothing but the one who inserts gives it a value. */
  readonly required: boolean
}

/** The same to hold, though not the same to say. */
const ALIKE: Readonly<Record<string, string>> = { 'character varying': 'text' }

/** @throws TABLE_MISMATCH naming every difference between what a topic needs and what is there, and the SQL that mends them. */
export function checkTable(table: Table, found: FoundTable): void {
  checkDifferences(table, differencesOf(table, found))
}

/** For a table that is not there and that nobody may make. */
export function missingTable(table: Table): MillraceError {
  return new MillraceError(
    'TABLE_MISMATCH',
    `The topic '${table.topic}' goes into the table ${table.sql}: there is none, and create: false says not to make it.`,
    { fix: `Make it with: ${createTable(table)};` },
  )
}

function differencesOf(table: Table, found: FoundTable): Difference[] {
  if (found.kind !== 'r' && found.kind !== 'p')
    return [
      { what: 'expected a table, found something else by that name', mend: `ALTER … ${table.sql} RENAME TO …; or name another table.` },
    ]
  const alter = `ALTER TABLE ${table.sql}`
  const differences: Difference[] = []
  for (const { name, type, definition } of table.columns) {
    const there = found.columns.find(column => column.name === name)
    if (there === undefined) {
      // The rows that are there have nothing in it: it cannot be NOT NULL.
      const add = name === 'source' || name === 'created' ? type : definition
      differences.push({
        what: `column ${quoted(name)}: expected ${type}, found none`,
        mend: `${alter} ADD COLUMN ${quoted(name)} ${add};`,
      })
    } else if ((ALIKE[there.type] ?? there.type) !== type) {
      const using = `USING ${quoted(name)}::${type}`
      differences.push({
        what: `column ${quoted(name)}: expected ${type}, found ${there.type}`,
        mend: `${alter} ALTER COLUMN ${quoted(name)} TYPE ${type} ${using};`,
      })
    }
  }
  // Without it the same datum could be there twice. A column that is missing comes with its key.
  if (!found.keyed && found.columns.some(({ name }) => name === 'data_id'))
    differences.push({ what: 'expected a primary key on data_id, found none', mend: `${alter} ADD PRIMARY KEY (data_id);` })
  if (found.persistence === 'u')
    differences.push({ what: 'expected a table that outlasts a crash, found an unlogged one', mend: `${alter} SET LOGGED;` })
  for (const { name, required } of found.columns) {
    if (!required || table.columns.some(column => column.name === name)) continue
    differences.push({
      what: `column ${quoted(name)}: expected none, or one that may be null or has a default, found one that every row must give`,
      mend: `${alter} ALTER COLUMN ${quoted(name)} DROP NOT NULL;`,
    })
  }
  return differences
}
