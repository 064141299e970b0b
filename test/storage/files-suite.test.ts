import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, it } from 'vitest'
import { type FilesOptions, files } from '../../src/storage/adapters/files/index.ts'
import { storageSuite } from '../../src/testing/storage-suite.ts'
import { rowsIn } from './duckdb.ts'
import { envelopesIn } from './lake.ts'

for (const options of [{}, { key: true, compression: 'gzip' }, { compression: 'none', interval: '1d' }] satisfies FilesOptions[]) {
  storageSuite({ describe, it }, `files of NDJSON ${JSON.stringify(options)}`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-suite-'))
    return {
      store: files(folder, options),
      contents: async () =>
        envelopesIn(folder).map(({ data_id, type, data, content_type }) => ({
          topic: String(type),
          dataId: data_id,
          data: content_type === undefined ? Buffer.from(JSON.stringify(data)) : Buffer.from(String(data), 'base64'),
        })),
      dispose: () => rm(folder, { recursive: true, force: true }),
    }
  })
}

storageSuite({ describe, it }, 'files of Parquet', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-suite-'))
  return {
    store: files(folder, { format: 'parquet' }),
    contents: async () =>
      (await rowsIn(folder, `SELECT data_id, hex(data) AS data, filename FROM read_parquet('{}/**/*.parquet', filename = true)`)).map(
        row => ({
          topic: String(row.filename)
            .slice(folder.length + 1)
            .split('/')[0]!,
          dataId: String(row.data_id),
          data: Buffer.from(String(row.data), 'hex'),
        }),
      ),
    dispose: () => rm(folder, { recursive: true, force: true }),
  }
})
