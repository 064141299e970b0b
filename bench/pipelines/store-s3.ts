/** One storage agent that stores NDJSON with zstd in S3. */
import { pipeline, storageAgent } from 'millrace'
import { type S3Options, s3 } from 'millrace/storage/s3'
import { readings } from './ingest.ts'

// bench/distributed/stores.ts writes it.
const place = JSON.parse(process.env.BENCH_S3!) as S3Options
const roll = { records: 50_000, bytes: '64MB', age: '1s' } as const
const store = s3({ ...place, prefix: process.env.BENCH_STORE!, format: 'ndjson', record: 'plain', roll })

export default pipeline('bench', { agents: [storageAgent('store', { version: 1, from: readings, to: store })] })
