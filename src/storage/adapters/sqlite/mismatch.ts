import { checkDifferences, type Difference } from '../../rows/difference.ts'
import { quoted } from '../../rows/names.ts'
import type { ColumnType, Table } from './table.ts'

/** A table as the file has it. */
export interface FoundTable {
  /** `table`, `view`, `virtual`, … */
  readonly kind: string
  /** A primary key or another unique index is on data_id alone. */
  readonly keyed: boolean
  readonly columns: readonly FoundColumn[]
}

export interface FoundColumn {
  readonly name: string
  /** As it was declared. */
  readonly type: string
  /** Nobody may give it a value. */
  readonly generated: boolean
  /** It is NOT NULL and nothing but the one who inserts gives it a value. */
  readonly required: boolean
}

/** @throws TABLE_MISMATCH naming every difference between what a topic needs and what is there, and the SQL that mends them. */
export function checkTable(table: Table, found: FoundTable): void {
  checkDifferences(table, differencesOf(table, found))
}

function differencesOf(table: Table, found: FoundTable): Difference[] {
  // SQLite changes no column's type. What was in the table is kept, and the next attempt makes one beside it.
  const aside = `ALTER TABLE ${table.sql} RENAME TO ${quoted(`${table.name}_before`)};`
  if (found.kind !== 'table')
    return [{ what: `expected a table, found a ${found.kind} by that name`, mend: `DROP … ${table.sql}; or name another table.` }]
  const named = (name: string) => (column: { readonly name: string }) => column.name.toLowerCase() === name.toLowerCase()
  const differences: Difference[] = []
  for (const { name, type } of table.columns) {
    const there = found.columns.find(named(name))
    if (there === undefined) {
      differences.push({
        what: `column ${quoted(name)}: expected ${type}, found none`,
        mend: `ALTER TABLE ${table.sql} ADD COLUMN ${quoted(name)} ${type};`,
      })
    } else if (there.generated) {
      differences.push({ what: `column ${quoted(name)}: expected ${type}, found a generated one`, mend: aside })
    } else if (!holds(there.type, type)) {
      differences.push({ what: `column ${quoted(name)}: expected ${type}, found ${there.type || 'one without a type'}`, mend: aside })
    }
  }
  // Without it the same datum could be there twice.
  if (!found.keyed) {
    const index = quoted(`${table.name}_data_id`)
    differences.push({
      what: 'expected a primary key on data_id, found none',
      mend: `CREATE UNIQUE INDEX ${index} ON ${table.sql} (data_id);`,
    })
  }
  for (const { name, required } of found.columns) {
    if (!required || table.columns.some(named(name))) continue
    differences.push({
      what: `column ${quoted(name)}: expected none, or one that may be null or has a default, found one that every row must give`,
      mend: aside,
    })
  }
  // Put aside, nothing else needs to be mended.
  return differences.some(({ mend }) => mend === aside) ? differences.map(({ what }) => ({ what, mend: aside })) : differences
}

/** Whether a column declared so keeps values of a type as they are: by its affinity (https://www.sqlite.org/datatype3.html, 3.1). */
function holds(declared: string, type: ColumnType): boolean {
  const affinity = affinityOf(declared.toUpperCase())
  // BOOLEAN, as others declare it, is NUMERIC, and keeps 0 and 1.
  return affinity === type || (type === 'INTEGER' && affinity === 'NUMERIC')
}

function affinityOf(declared: string): ColumnType | 'NUMERIC' {
  if (declared.includes('INT')) return 'INTEGER'
  if (/CHAR|CLOB|TEXT/.test(declared)) return 'TEXT'
  if (declared === '' || declared.includes('BLOB')) return 'BLOB'
  return /REAL|FLOA|DOUB/.test(declared) ? 'REAL' : 'NUMERIC'
}
