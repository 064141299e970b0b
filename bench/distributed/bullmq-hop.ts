/** The hop of `pipelines/hop.ts` as one writes it with BullMQ: a job for each datum, its result a job of the next queue. `bullmq-hop.ts REDIS QUEUE` */
import { Queue, Worker } from 'bullmq'
import { createClient } from 'redis'
import { z } from 'zod'
import { serve } from '../child.ts'
import { type Reading, reading } from '../data.ts'

const WINDOW = 20
const CONCURRENCY = 100
const KEPT = { count: 1_000 }
const smoothed = z.object({ station: z.string(), at: z.string(), mean: z.number() })
const [redis, name] = process.argv.slice(2) as [string, string]

async function work(count: number): Promise<number> {
  const connection = createClient({ url: redis })
  await connection.connect()
  const next = new Queue(`${name}-smoothed`, { connection })
  const windows = new Map<string, Reading[]>()
  const done = Promise.withResolvers<void>()
  let handled = 0
  const worker = new Worker(
    name,
    async job => {
      const datum = reading.parse(job.data)
      const window = windows.get(datum.station) ?? []
      windows.set(datum.station, window)
      window.push(datum)
      if (window.length > WINDOW) window.shift()
      let sum = 0
      for (const each of window) sum += each.megawatts
      await next.add('smoothed', smoothed.parse({ station: datum.station, at: datum.at, mean: sum / window.length }))
    },
    { connection, concurrency: CONCURRENCY, removeOnComplete: KEPT },
  )
  worker.on('completed', () => {
    if (++handled >= count) done.resolve()
  })
  worker.on('error', done.reject)
  await done.promise
  const cpu = process.cpuUsage()
  await worker.close()
  await next.close()
  connection.destroy()
  return cpu.user + cpu.system
}

serve({}, { work }, async () => {})
