import { describe, it } from 'vitest'
import { postgres } from '../../src/storage/adapters/postgres/index.ts'
import { storageSuite } from '../../src/testing/storage-suite.ts'
import { servers } from '../servers/shared.ts'
import { scratchAt } from './postgres/scratch.ts'

storageSuite({ describe, it }, 'PostgreSQL', async () => {
  const { address, schema, sql, remove } = scratchAt(servers().postgres)
  return {
    store: postgres(address, { schema }),
    async contents() {
      const tables = await sql('SELECT table_name AS name FROM information_schema.tables WHERE table_schema = $1', [schema])
      const stored = tables.map(async ({ name }) =>
        (await sql(`SELECT data_id, data FROM "${String(name)}"`)).map(({ data_id, data }) => ({
          topic: String(name),
          dataId: String(data_id),
          // A topic of bytes is a column of bytes, which `pg` reads as a Buffer.
          data: data as Buffer,
        })),
      )
      return (await Promise.all(stored)).flat()
    },
    dispose: remove,
  }
})
