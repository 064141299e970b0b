/** One storage agent that stores in PostgreSQL. */
import { pipeline, storageAgent } from 'millrace'
import { postgres } from 'millrace/storage/postgres'
import { readings } from './ingest.ts'

const store = postgres(process.env.BENCH_POSTGRES!, { schema: process.env.BENCH_STORE! })

export default pipeline('bench', { agents: [storageAgent('store', { version: 1, from: readings, to: store })] })
