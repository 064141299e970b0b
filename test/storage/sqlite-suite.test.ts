import { describe, it } from 'vitest'
import { sqlite } from '../../src/storage/adapters/sqlite/index.ts'
import { storageSuite } from '../../src/testing/storage-suite.ts'
import { scratchFile } from './sqlite/scratch.ts'

storageSuite({ describe, it }, 'SQLite', async () => {
  const { file, sql, remove } = scratchFile()
  return {
    store: sqlite(file),
    contents: async () =>
      sql("SELECT name FROM sqlite_schema WHERE type = 'table'").flatMap(({ name }) =>
        sql(`SELECT data_id, data FROM "${String(name)}"`).map(({ data_id, data }) => ({
          topic: String(name),
          dataId: String(data_id),
          // A topic of bytes is a column of bytes.
          data: data as Uint8Array,
        })),
      ),
    dispose: async () => remove(),
  }
})
