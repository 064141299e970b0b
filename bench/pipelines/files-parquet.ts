/** One storage agent that writes parquet. */
import { pipeline, storageAgent } from 'millrace'
import { files } from 'millrace/storage/files'
import { readings } from './ingest.ts'

const store = files(process.env.BENCH_LAKE!, { format: 'parquet', record: 'plain', roll: { records: 50_000, bytes: '64MB', age: '1s' } })

export default pipeline('bench', { agents: [storageAgent('lake', { version: 1, from: readings, to: store })] })
