import { describe, it } from 'vitest'
import type { WireEnvelope } from '../../src/envelope/envelope.ts'
import type { FormatOptions } from '../../src/storage/formats/options.ts'
import { storageSuite } from '../../src/testing/storage-suite.ts'
import { rowsIn } from './duckdb.ts'
import { linesOf } from './lake.ts'
import { TestBucket } from './s3/buckets.ts'
import { download } from './s3/download.ts'

for (const options of [{}, { key: true, compression: 'gzip' }, { compression: 'none', interval: '1d' }] satisfies FormatOptions[]) {
  storageSuite({ describe, it }, `S3 with NDJSON ${JSON.stringify(options)}`, async () => {
    const bucket = await TestBucket.make()
    return {
      store: bucket.store({ prefix: 'lake', ...options }),
      contents: async () => {
        await using copy = await download(bucket)
        return copy.paths.flatMap(path =>
          linesOf(path).map(line => {
            const { data_id, type, data, content_type } = JSON.parse(line) as WireEnvelope<unknown>
            const bytes = content_type === undefined ? Buffer.from(JSON.stringify(data)) : Buffer.from(String(data), 'base64')
            return { topic: String(type), dataId: data_id, data: bytes }
          }),
        )
      },
      dispose: async () => bucket.client.destroy(),
    }
  })
}

storageSuite({ describe, it }, 'S3 with Parquet', async () => {
  const bucket = await TestBucket.make()
  return {
    store: bucket.store({ format: 'parquet' }),
    contents: async () => {
      await using copy = await download(bucket)
      const rows = await rowsIn(
        copy.folder,
        `SELECT data_id, hex(data) AS data, filename FROM read_parquet('{}/**/*.parquet', filename = true)`,
      )
      return rows.map(row => ({
        topic: String(row.filename)
          .slice(copy.folder.length + 1)
          .split('/')[0]!,
        dataId: String(row.data_id),
        data: Buffer.from(String(row.data), 'hex'),
      }))
    },
    dispose: async () => bucket.client.destroy(),
  }
})
