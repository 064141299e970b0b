import { createServer } from 'node:net'

/**
 * Below the range from which a kernel takes the ports of outgoing connections (32768 up on Linux). A port of that range would be lost
 * to a client's connection while its server is down; worse, a client that connects to it meanwhile may connect to itself.
 */
const FIRST = 10_000
const PORTS_EACH = 100
const PROCESSES = 220

let taken = 0

/**
 * A port of 127.0.0.1 that is free. Each process takes from a hundred ports of its own, by its process id, because a port is free again
 * while its server is killed and not yet restarted: suites that run beside each other must not hand it out then. A hundred later it is given out again.
 */
export async function freePort(): Promise<number> {
  const base = FIRST + (process.pid % PROCESSES) * PORTS_EACH
  for (let tries = 0; tries < PORTS_EACH; tries++) {
    const port = base + (taken++ % PORTS_EACH)
    if (await isFree(port)) return port
  }
  throw new Error(`All ${PORTS_EACH} ports from ${base} on are in use: one process has fewer servers than that`)
}

export function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}
