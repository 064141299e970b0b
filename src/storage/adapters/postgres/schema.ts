import { MillraceError } from '../../../errors.ts'
import type { Database } from './database.ts'

/** Longest wait for the first answer, behind a connection that was made: who starts a pipeline is waiting too. */
const FIRST_ANSWER_MS = 4_000

/**
 * Sees whether storing can work in this database at all. @returns the schema to store in.
 * @throws STORE_UNAVAILABLE, STORE_DENIED
 */
export function schemaFor(database: Database, asked: string | undefined): Promise<string> {
  return database.use(
    async session => {
      const [found = {}] = await session.run(`
        SELECT current_schema() AS schema, current_database() AS database, current_setting('server_encoding') AS encoding,
          has_database_privilege(current_database(), 'TEMPORARY') AS temporary`)
      if (found.encoding !== 'UTF8') {
        throw new MillraceError(
          'STORE_DENIED',
          `${database.where} is encoded in ${String(found.encoding)}: data are UTF-8, and would not all fit.`,
          {
            fix: "Use a database made with ENCODING 'UTF8'.",
          },
        )
      }
      if (found.temporary !== true) {
        throw new MillraceError('STORE_DENIED', `${database.where}: this role may not make temporary tables, where rows are put aside.`, {
          fix: `Let an administrator run: GRANT TEMPORARY ON DATABASE ${String(found.database)} TO …;`,
        })
      }
      const schema = asked ?? found.schema
      if (typeof schema !== 'string') {
        throw new MillraceError('STORE_DENIED', `${database.where}: none of the schemas in this role's search_path exists.`, {
          fix: "Name one: postgres(…, { schema: 'public' }).",
        })
      }
      return schema
    },
    { answerMs: FIRST_ANSWER_MS },
  )
}
