import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { child } from '../child.ts'
import { atMost, type Bench, type Note, note } from '../figure.ts'
import { replayed } from './millrace.ts'
import type { ServerCommand } from './server-cpu.ts'
import type { Servers } from './servers.ts'
import { least, slope, type Used, used } from './slope.ts'

const SIZES = { few: 20_000, many: 220_000 }
const KEYS = 100
const ROUNDS = 3
const WRITES = 7
const WRITTEN = 100_000
const BUCKET = 'bench'

interface StoreBench {
  readonly name: string
  readonly pipeline: string
  readonly goal: number
  readonly server: ServerCommand
  /** Tells the pipeline, by the environment, where its store is: another place at each call. */
  readonly prepare: () => Promise<void>
}

/** The stores: the writer alone, over frames in memory, and the whole storage hop from Kafka. */
export const stores = (directory: string, servers: Servers): Bench => ({
  name: 'stores',
  async run(say) {
    let turn = 0
    const all: StoreBench[] = [
      {
        name: 'PostgreSQL store',
        pipeline: 'store-postgres',
        goal: 8,
        server: 'postgres',
        prepare: async () => {
          process.env.BENCH_POSTGRES = await servers.postgres()
          process.env.BENCH_STORE = `bench_${turn++}`
        },
      },
      {
        name: 'S3 store of NDJSON with zstd',
        pipeline: 'store-s3',
        goal: 5,
        server: 'versitygw',
        prepare: async () => {
          process.env.BENCH_S3 = JSON.stringify(await bucket(servers))
          process.env.BENCH_STORE = `bench-${turn++}`
        },
      },
    ]
    const results = []
    for (const store of all) {
      say(
        `${store.name}: ${WRITES} times ${WRITTEN} data by the writer, then ${SIZES.few} and ${SIZES.many} data from Kafka, ${ROUNDS} rounds`,
      )
      const writer = await written(store)
      const rounds: Used[] = []
      for (let round = 0; round < ROUNDS; round++) rounds.push(await slope(SIZES, count => stored(store, count)))
      const whole = least(rounds)
      results.push({ figure: atMost(store.name, writer.own, 'CPU-s/M', store.goal), notes: notesOf(store, writer, whole) })
    }
    return { figures: results.map(({ figure }) => figure), notes: results.flatMap(({ notes }) => notes) }

    async function stored({ pipeline, server, prepare }: StoreBench, count: number): Promise<Used> {
      await prepare()
      const watch = ['java', 'redis-server', server] as const
      return replayed({ servers, directory, pipeline, role: 'storage', group: 'store@1', keys: KEYS, count, watch })
    }
  },
})

async function written({ pipeline, server, prepare }: StoreBench): Promise<Used> {
  await prepare()
  const writer = await child('distributed/store-writer.ts', [pipeline, String(KEYS)])
  const rounds: Used[] = []
  for (let round = 0; round < WRITES; round++) {
    const offset = round * WRITTEN
    await writer.ask('frame', { first: offset, count: WRITTEN })
    rounds.push(await used([server], () => writer.ask<number>('write')))
  }
  await writer.stop()
  const { own, servers } = least(rounds)
  return { own: own / WRITTEN, servers: { [server]: servers[server]! / WRITTEN } }
}

function notesOf({ name, server }: StoreBench, writer: Used, whole: Used): Note[] {
  return [
    note(`${name}: the server meanwhile`, writer.servers[server]!, 'CPU-s/M'),
    note(`${name}: the whole hop from Kafka, with its trace`, whole.own, 'CPU-s/M'),
    note('  Kafka meanwhile', whole.servers.java!, 'CPU-s/M'),
    note('  Redis meanwhile', whole.servers['redis-server']!, 'CPU-s/M'),
  ]
}

async function bucket(servers: Servers) {
  const { endpoint, region, accessKeyId, secretAccessKey } = await servers.s3()
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, region, credentials, forcePathStyle: true })
  // It may be there from the call before: then it is ours.
  await client.send(new CreateBucketCommand({ Bucket: BUCKET })).catch(error => {
    if (!(error instanceof Error) || !/^BucketAlready/.test(error.name)) throw error
  })
  client.destroy()
  return { bucket: BUCKET, endpoint, region, credentials }
}
