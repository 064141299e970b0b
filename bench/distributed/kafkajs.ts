import { child } from '../child.ts'
import type { Servers } from './servers.ts'
import { type Used, used } from './slope.ts'

let turn = 0

/** What it costs a process written with kafkajs to work through `count` data that wait in Kafka. */
export async function kafkajsHop(servers: Servers, count: number, keys: number): Promise<Used> {
  const where = [await servers.kafka(), `kafkajs-${process.pid}-${turn++}`]
  const filler = await child('distributed/kafkajs-fill.ts', [...where, String(count), String(keys)])
  await filler.stop()
  return used(['java'], async () => {
    const hop = await child('distributed/kafkajs-hop.ts', where)
    const own = await hop.ask<number>('work', count)
    await hop.stop()
    return own
  })
}
