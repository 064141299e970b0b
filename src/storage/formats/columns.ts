import { jsonSchemaOf } from '../../envelope/schema.ts'
import type { Topic } from '../../stream/topic.ts'

/** What a column holds. Numbers are always doubles, so that 1 in one file and 1.5 in the next are of one type. `json`: the JSON text. */
export type Kind = 'string' | 'number' | 'boolean' | 'json' | 'bytes'

export interface ColumnType {
  readonly name: string
  readonly kind: Kind
}

/** Where a datum is not an object, this column holds it. */
export const WHOLE = 'data'
const ENVELOPE_COLUMNS = ['data_id', 'source', 'created', 'parents']
/** Folders are columns to those who read them all (`key=`, `date=`, `hour=`), and hide a column of the same name. */
const FOLDER_COLUMNS = ['key', 'date', 'hour']

/**
 * The column of a field: its own name, unless that is taken by the envelope or a folder, or would be by another field that gave way:
 * then `data_` and its name. No two fields have one column.
 */
export function columnName(field: string, envelope: boolean): string {
  const base = field.toLowerCase().replace(/^(data_(?!id$))*/, '')
  const taken = base === WHOLE || FOLDER_COLUMNS.includes(base) || (envelope && ENVELOPE_COLUMNS.includes(base))
  return taken ? `data_${field}` : field
}

/**
 * The columns that a topic's schema declares, where its library says them as JSON Schema (https://standardschema.dev/json-schema) in
 * the form that producers send; none where it does not, and then each file has the columns of its data.
 */
export function declaredColumns(topic: Topic): ColumnType[] {
  if (topic.schema['~standard'].vendor === 'millrace') return [{ name: WHOLE, kind: 'bytes' }]
  const schema = jsonSchemaOf(topic.schema) ?? {}
  if (schema.type !== 'object' || !isRecord(schema.properties)) return []
  return Object.entries(schema.properties).flatMap(([name, property]) => {
    const kind = kindOf(property)
    return kind === undefined ? [] : [{ name, kind }]
  })
}

/** Undefined where the schema leaves it open. */
function kindOf(schema: unknown): Kind | undefined {
  if (!isRecord(schema)) return undefined
  const choices = schema.anyOf ?? schema.oneOf
  if (Array.isArray(choices)) return common(choices.filter(choice => !isRecord(choice) || choice.type !== 'null').map(kindOf))
  if (Array.isArray(schema.type)) return common(schema.type.filter(type => type !== 'null').map(type => kindOf({ type })))
  if (Array.isArray(schema.enum)) return common(schema.enum.filter(value => value !== null).map(kindOfValue))
  if (schema.const !== undefined) return kindOfValue(schema.const)
  switch (schema.type) {
    case 'string':
    case 'boolean':
    case 'number':
      return schema.type
    case 'integer':
      return 'number'
    case undefined:
      return undefined
    default:
      return 'json'
  }
}

export function kindOfValue(value: unknown): Kind {
  const type = typeof value
  return type === 'string' || type === 'number' || type === 'boolean' ? type : 'json'
}

function common(kinds: readonly (Kind | undefined)[]): Kind | undefined {
  if (kinds.length === 0 || kinds.includes(undefined)) return undefined
  return kinds.every(kind => kind === kinds[0]) ? kinds[0] : 'json'
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
