import type { Topic } from '../../../stream/topic.ts'
import { declaredColumns, type Kind, WHOLE } from '../../formats/columns.ts'
import { fitted, quoted } from './identifier.ts'

/** One column of a topic's table. */
export interface Column {
  readonly name: string
  /** As `format_type` says it, which is what an existing table is compared with. */
  readonly type: string
  readonly definition: string
}

/** A column that holds one field of the data. */
export interface FieldColumn extends Column {
  readonly field: string
  readonly kind: Kind
}

/** The table of one topic. */
export interface Table {
  readonly topic: string
  readonly schema: string
  readonly name: string
  /** Schema and name, quoted. */
  readonly sql: string
  /** In the order in which rows are written: the envelope, then `fields`, then `data_extra`; or the envelope, then `data`. */
  readonly columns: readonly Column[]
  readonly fields: readonly FieldColumn[]
  /** How a datum is held whole, in the column `data`, where the topic's schema declares no fields. */
  readonly whole: 'json' | 'bytes' | undefined
}

export const EXTRA = 'data_extra'

const TYPES: Readonly<Record<Kind, string>> = {
  string: 'text',
  number: 'double precision',
  boolean: 'boolean',
  json: 'jsonb',
  bytes: 'bytea',
}

const ENVELOPE: readonly Column[] = [
  { name: 'data_id', type: 'uuid', definition: 'uuid PRIMARY KEY' },
  { name: 'source', type: 'text', definition: 'text NOT NULL' },
  { name: 'created', type: 'timestamp with time zone', definition: 'timestamptz NOT NULL' },
  { name: 'parents', type: 'uuid[]', definition: 'uuid[]' },
]

/** Names that no field's column may have: ours, and those that PostgreSQL gives to every table. */
const TAKEN = new Set([...ENVELOPE.map(({ name }) => name), WHOLE, EXTRA, 'tableoid', 'xmin', 'cmin', 'xmax', 'cmax', 'ctid'])

/** The table that a topic's schema asks for. */
export function tableOf(topic: Topic, schema: string, name: string): Table {
  const declared = declaredColumns(topic)
  const whole = declared.length === 0 ? 'json' : declared[0]?.kind === 'bytes' ? 'bytes' : undefined
  const fields =
    whole === undefined ? declared.map(({ name: field, kind }) => ({ ...column(columnOf(field), TYPES[kind]), field, kind })) : []
  const last = whole === undefined ? column(EXTRA, TYPES.json) : column(WHOLE, TYPES[whole])
  return {
    topic: topic.name,
    schema,
    name,
    sql: `${quoted(schema)}.${quoted(name)}`,
    columns: [...ENVELOPE, ...fields, last],
    fields,
    whole,
  }
}

function column(name: string, type: string): Column {
  return { name, type, definition: type }
}

/**
 * The column of a field: its own name, unless that is taken, or would be by another field that gave way: then `data_` and its name. No
 * two fields have one column.
 */
export function columnOf(field: string): string {
  for (let rest = field.toLowerCase(); ; rest = rest.slice('data_'.length)) {
    if (TAKEN.has(rest)) return fitted(`data_${field}`)
    if (!rest.startsWith('data_')) return fitted(field)
  }
}
