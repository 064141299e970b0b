import type { Topic } from '../../../stream/topic.ts'
import { type Kind, WHOLE } from '../../formats/columns.ts'
import { quoted, untaken } from '../../rows/names.ts'
import { EXTRA, type RowShape, rowShape } from '../../rows/row-shape.ts'
import { fitted } from './identifier.ts'

/** One column of a topic's table. */
export interface Column {
  readonly name: string
  /** As `format_type` says it, which is what an existing table is compared with. */
  readonly type: string
  readonly definition: string
}

/** The table of one topic. */
export interface Table {
  readonly topic: string
  readonly schema: string
  readonly name: string
  /** Schema and name, quoted. */
  readonly sql: string
  /** In the order in which rows are written: the envelope, then one for each field, then `data_extra`; or the envelope, then `data`. */
  readonly columns: readonly Column[]
  readonly shape: RowShape
}

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
  const shape = rowShape(topic)
  const { fields, whole } = shape
  const data =
    whole === undefined
      ? [...fields.map(({ name: field, kind }) => column(columnOf(field), TYPES[kind])), column(EXTRA, TYPES.json)]
      : [column(WHOLE, TYPES[whole])]
  return {
    topic: topic.name,
    schema,
    name,
    sql: `${quoted(schema)}.${quoted(name)}`,
    columns: [...ENVELOPE, ...data],
    shape,
  }
}

function column(name: string, type: string): Column {
  return { name, type, definition: type }
}

/** The column of a field. No two fields have one column. */
export function columnOf(field: string): string {
  return fitted(untaken(field, TAKEN))
}
