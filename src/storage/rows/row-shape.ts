import type { Topic } from '../../stream/topic.ts'
import { type ColumnType, declaredColumns } from '../formats/columns.ts'

/** The column of fields that the schema does not have. */
export const EXTRA = 'data_extra'

/** How a topic's data are rows: a column for each field and {@link EXTRA}, or one column for all of it. */
export interface RowShape {
  readonly fields: readonly ColumnType[]
  /** How a datum is held whole, in the column `data`, where the topic's schema declares no fields. */
  readonly whole: 'json' | 'bytes' | undefined
}

export function rowShape(topic: Topic): RowShape {
  const declared = declaredColumns(topic)
  if (declared.length === 0) return { fields: [], whole: 'json' }
  return declared[0]?.kind === 'bytes' ? { fields: [], whole: 'bytes' } : { fields: declared, whole: undefined }
}
