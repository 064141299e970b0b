import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { child } from './child.ts'
import { atMost, type Bench } from './figure.ts'
import { MEMORY_LOAD, memoryUnderLoad } from './memory.ts'

const path = (file: string) => fileURLToPath(new URL(`pipelines/${file}.ts`, import.meta.url))
const IDLE_MS = 10_000
const KEYS = 1_000
const STORED = 10_000_000

/** A store of 10 million data, opened by a process of its own. */
export const open = (directory: string): Bench => ({
  name: 'open',
  async run(say) {
    say(`filling a store of ${STORED} data`)
    await (await child('fill.ts', [join(directory, 'open'), String(STORED), String(KEYS)])).stop()
    const server = await child('millrace-server.ts', [path('ingest'), join(directory, 'open')])
    await server.stop()
    return { figures: [atMost('a store of 10 M data open and ready', Number(server.ready.openMs) / 1000, 's', 1)], notes: [] }
  },
})

export const idle = (directory: string): Bench => ({
  name: 'idle',
  async run(say) {
    process.env.BENCH_LAKE = join(directory, 'idle-lake')
    const server = await child('millrace-server.ts', [path('whole'), join(directory, 'idle')])
    await sleep(2_000)
    say(`nothing for ${IDLE_MS / 1000} s`)
    const before = await server.ask<number>('cpu')
    await sleep(IDLE_MS)
    const used = (await server.ask<number>('cpu')) - before
    await server.stop()
    return { figures: [atMost('idle', (100 * used) / (IDLE_MS * 1000), '% of a core', 1)], notes: [] }
  },
})

export const memory = (directory: string): Bench => ({
  name: 'memory',
  async run(say) {
    process.env.BENCH_LAKE = join(directory, 'memory-lake')
    const [load, server] = await Promise.all([child('load.ts'), child('millrace-server.ts', [path('whole'), join(directory, 'memory')])])
    say(MEMORY_LOAD)
    const most = await memoryUnderLoad(server, load)
    await Promise.all([load.stop(), server.stop()])
    return { figures: [atMost('memory at 5,000 data/s with 1,000 keys', most / 1e6, 'MB', 400)], notes: [] }
  },
})
