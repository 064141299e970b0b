import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { child } from '../child.ts'
import { type Bench, note } from '../figure.ts'
import { MEMORY_LOAD, memoryUnderLoad } from '../memory.ts'
import { freshEngine, startMillrace } from './millrace.ts'
import { serverCpu } from './server-cpu.ts'
import type { Servers } from './servers.ts'

const SETTLE_MS = 5_000
const IDLE_MS = 20_000

/** The whole of a pipeline in one process on Kafka and Redis: at rest, and at 5,000 data a second. */
export const standing = (directory: string, servers: Servers): Bench => ({
  name: 'standing',
  async run(say) {
    process.env.BENCH_LAKE = join(directory, 'distributed-lake')
    const engine = await freshEngine(servers)
    const [load, server] = await Promise.all([
      child('load.ts'),
      startMillrace('whole', join(directory, 'distributed-whole'), engine, 'all'),
    ])
    await sleep(SETTLE_MS)
    say(`nothing for ${IDLE_MS / 1000} s`)
    const looks = async () => [await server.ask<number>('cpu'), serverCpu('java'), serverCpu('redis-server')] as const
    const before = await looks()
    await sleep(IDLE_MS)
    const after = await looks()
    const atRest = await server.ask<number>('rss')
    const percent = (i: 0 | 1 | 2) => (100 * (after[i] - before[i])) / (IDLE_MS * 1000)
    say(MEMORY_LOAD)
    const most = await memoryUnderLoad(server, load)
    await Promise.all([load.stop(), server.stop()])
    return {
      figures: [],
      notes: [
        note('idle', percent(0), '% of a core'),
        note('Kafka meanwhile', percent(1), '% of a core'),
        note('Redis meanwhile', percent(2), '% of a core'),
        note('memory at rest', atRest / 1e6, 'MB'),
        note('memory at 5,000 data/s with 1,000 keys', most / 1e6, 'MB'),
      ],
    }
  },
})
