import { Queue } from 'bullmq'
import { createClient } from 'redis'
import { child } from '../child.ts'
import { readingJson } from '../data.ts'
import type { Servers } from './servers.ts'
import { type Used, used } from './slope.ts'

const TOGETHER = 500
let turn = 0

/** What it costs a process written with BullMQ to work through `count` jobs that wait in Redis. */
export async function bullmqHop(servers: Servers, count: number, keys: number): Promise<Used> {
  const redis = await servers.redis()
  const name = `bullmq-${process.pid}-${turn++}`
  const connection = createClient({ url: redis })
  await connection.connect()
  const queue = new Queue(name, { connection })
  for (let i = 0; i < count; i += TOGETHER) {
    const jobs = Array.from({ length: Math.min(TOGETHER, count - i) }, (_, j) => ({
      name: 'reading',
      data: JSON.parse(readingJson(i + j, keys)),
    }))
    await queue.addBulk(jobs)
  }
  await queue.close()
  connection.destroy()
  return used(['redis-server'], async () => {
    const hop = await child('distributed/bullmq-hop.ts', [redis, name])
    const own = await hop.ask<number>('work', count)
    await hop.stop()
    return own
  })
}
