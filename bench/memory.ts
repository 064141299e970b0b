import { setTimeout as sleep } from 'node:timers/promises'
import type { Child } from './child.ts'

const RATE = 5_000
const SECONDS = 20
const LINES = 100
const KEYS = 1_000
const LOOK_MS = 250

/** What {@link memoryUnderLoad} sends. */
export const MEMORY_LOAD = `${RATE} data/s of ${KEYS} keys for ${SECONDS} s`

/** The most resident bytes of a server while it gets 5,000 data a second of 1,000 keys. */
export async function memoryUnderLoad(server: Child, load: Child): Promise<number> {
  let most = 0
  let done = false
  const busy = load
    .ask('run', {
      port: server.ready.port,
      path: '/v1/topics/reading/batch',
      key: server.ready.key,
      requests: (RATE * SECONDS) / LINES,
      connections: 4,
      lines: LINES,
      keys: KEYS,
      rate: RATE / LINES,
    })
    .finally(() => {
      done = true
    })
  while (!done) {
    most = Math.max(most, await server.ask<number>('rss'))
    await sleep(LOOK_MS)
  }
  await busy
  return most
}
