import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it, onTestFinished } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { s3 } from '../../../src/storage/adapters/s3/index.ts'
import { startS3 } from '../../servers/s3.ts'
import { batchesOf, never, rollOf, stream } from '../batches.ts'
import { rowsIn } from '../duckdb.ts'
import { temporaryFolder } from '../lake.ts'

/** As in docs/s3.md, with a folder in the bucket's place: the server keeps each object as a file. */
const ONLY_LISTED = `
  SELECT count(*)::INT AS data, count(DISTINCT data_id)::INT AS ids, sum(megawatts) AS megawatts
  FROM read_parquet('{}/readings/**/*.parquet', union_by_name = true, hive_partitioning = true, filename = true)
  WHERE filename IN (
    SELECT '{}/' || object.key
    FROM (SELECT unnest(objects) AS object FROM read_json('{}/_manifests/*/*.json'))
    WHERE object.topic = 'readings')`

describe('DuckDB', () => {
  it('reads rolls that are whole, and none of one that was cut off', async () => {
    const folder = await temporaryFolder()
    await using server = await startS3({ folder })
    const { endpoint, accessKeyId, secretAccessKey, region } = server
    const credentials = { accessKeyId, secretAccessKey }
    const client = new S3Client({ endpoint, region, forcePathStyle: true, credentials })
    onTestFinished(() => client.destroy())
    await client.send(new CreateBucketCommand({ Bucket: 'lake' }))
    const writer = await s3({ bucket: 'lake', endpoint, region, credentials, format: 'parquet', key: true }).open(systemClock)
    for (let first = 0; first < 300; first += 100)
      await writer.write(rollOf(first, first + 100), stream(batchesOf(100, undefined, first)), never())
    await writer.close()
    const bucket = join(folder, 'objects', 'lake')
    const sum = (end: number) => (end * (end - 1)) / 4
    expect(await rowsIn(bucket, ONLY_LISTED)).toEqual([{ data: 300, ids: 300, megawatts: sum(300) }])
    // The last roll's manifest has not come to be: its objects are there, and not listed.
    await server.kill()
    const { rm } = await import('node:fs/promises')
    await rm(join(bucket, '_manifests/readings/01234567-0-0000000000000200.json'))
    expect(await rowsIn(bucket, ONLY_LISTED)).toEqual([{ data: 200, ids: 200, megawatts: sum(200) }])
  })
})
