import type { Child } from './child.ts'

const CONNECTIONS = 64
const KEYS = 1_000

/** What is sent to a server to find its cost. */
export interface Requests {
  readonly path: string
  readonly requests: number
  /** Data in each. */
  readonly lines: number
  readonly key?: unknown
}

/** CPU microseconds of the server, all its threads, for each datum: CPU-seconds for a million. */
export async function cost(server: Child, load: Child, detail: Requests): Promise<number> {
  const before = await server.ask<number>('cpu')
  const { refused } = await load.ask<{ refused: number }>('run', {
    port: server.ready.port,
    connections: CONNECTIONS,
    keys: KEYS,
    ...detail,
  })
  if (refused > 0) throw new Error(`${refused} of ${detail.requests} requests were refused.`)
  return ((await server.ask<number>('cpu')) - before) / (detail.requests * detail.lines)
}
