import { DuckDBInstance } from '@duckdb/node-api'
import { filesIn } from './lake.ts'

/** Rows of a query on a lake, `{}` in it standing for the folder; none where the lake has no files (DuckDB takes that for an error). */
export async function rowsIn(folder: string, sql: string): Promise<Record<string, unknown>[]> {
  if (filesIn(folder).length === 0) return []
  const instance = await DuckDBInstance.create()
  const connection = await instance.connect()
  try {
    return (await connection.runAndReadAll(sql.replaceAll('{}', folder))).getRowObjectsJson()
  } finally {
    connection.closeSync()
    instance.closeSync()
  }
}
