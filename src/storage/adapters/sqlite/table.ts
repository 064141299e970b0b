import { hash } from 'node:crypto'
import type { Topic } from '../../../stream/topic.ts'
import { type Kind, WHOLE } from '../../formats/columns.ts'
import { quoted, untaken } from '../../rows/names.ts'
import { EXTRA, type RowShape, rowShape } from '../../rows/row-shape.ts'

/** One column of a topic's table. */
export interface Column {
  readonly name: string
  readonly type: ColumnType
  readonly definition: string
}

export type ColumnType = 'TEXT' | 'REAL' | 'INTEGER' | 'BLOB'

/** The table of one topic. */
export interface Table {
  readonly topic: string
  readonly name: string
  /** The name, quoted. */
  readonly sql: string
  /** In the order in which rows are written: the envelope, then one for each field, then `data_extra`; or the envelope, then `data`. */
  readonly columns: readonly Column[]
  readonly shape: RowShape
}

const TYPES: Readonly<Record<Kind, ColumnType>> = { string: 'TEXT', number: 'REAL', boolean: 'INTEGER', json: 'TEXT', bytes: 'BLOB' }

const ENVELOPE: readonly Column[] = [
  { name: 'data_id', type: 'TEXT', definition: 'TEXT NOT NULL PRIMARY KEY' },
  { name: 'source', type: 'TEXT', definition: 'TEXT NOT NULL' },
  { name: 'created', type: 'TEXT', definition: 'TEXT NOT NULL' },
  { name: 'parents', type: 'TEXT', definition: 'TEXT' },
]
/** Names that no field's column may have. */
const TAKEN = new Set([...ENVELOPE.map(({ name }) => name), WHOLE, EXTRA])
const HASH_DIGITS = 8

/** The table that a topic's schema asks for. */
export function tableOf(topic: Topic, name: string): Table {
  const shape = rowShape(topic)
  const { fields, whole } = shape
  const names = columnNames(fields.map(field => field.name))
  const data =
    whole === undefined
      ? [...fields.map(({ kind }, i) => column(names[i]!, TYPES[kind])), column(EXTRA, TYPES.json)]
      : [column(WHOLE, TYPES[whole])]
  return { topic: topic.name, name, sql: quoted(name), columns: [...ENVELOPE, ...data], shape }
}

function column(name: string, type: ColumnType): Column {
  return { name, type, definition: type }
}

/** The columns of a schema's fields, each of its own. SQLite takes names that differ in case alone for one: the later then end in a hash. */
export function columnNames(fields: readonly string[]): string[] {
  const used = new Set<string>()
  return fields.map(field => {
    const name = untaken(field, TAKEN)
    const own = used.has(name.toLowerCase()) ? `${name}_${hash('sha256', field).slice(0, HASH_DIGITS)}` : name
    used.add(own.toLowerCase())
    return own
  })
}

/** STRICT: what a column holds is of its type, as it is in other databases. */
export function createTable(table: Table): string {
  const columns = table.columns.map(({ name, definition }) => `${quoted(name)} ${definition}`)
  return `CREATE TABLE IF NOT EXISTS ${table.sql} (${columns.join(', ')}) STRICT`
}

/** A datum that is there already stays as it is. */
export function insertInto(table: Table): string {
  const names = table.columns.map(({ name }) => quoted(name)).join(', ')
  return `INSERT INTO ${table.sql} (${names}) VALUES (${table.columns.map(() => '?').join(', ')}) ON CONFLICT (data_id) DO NOTHING`
}

/** Whether SQLite can have a table of exactly this name. */
export function isTableName(name: unknown): name is string {
  return typeof name === 'string' && name !== '' && name.isWellFormed() && !name.includes('\0') && !/^sqlite_/i.test(name)
}
