import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { debianPackage } from '../../scripts/servers/debian.ts'
import { kafka } from '../../scripts/servers/kafka.ts'
import { startKafka } from '../../test/servers/kafka.ts'
import { isFree } from '../../test/servers/port.ts'
import { startRedis } from '../../test/servers/redis.ts'

/** Not the usual ones: a Kafka or a Redis of this machine's own stays as it is. */
const PORTS = { Kafka: 19_092, Redis: 16_379 }
const REDIS = debianPackage('redis-server', 'redis-server', 'about 10 s', 'redis-server')

export interface GridServers {
  /** For `--stream`. */
  readonly stream: string
  /** For `--trace`. */
  readonly trace: string
  stop(): Promise<void>
}

/**
 * Starts Kafka and Redis on loopback, once what is missing of them is installed; their data are in `folder`, where the next start finds them.
 * They end with this process, however that ends.
 * @throws when a port is taken, or a server cannot be installed or does not come up; neither is left running then.
 */
export async function startServers(folder: string, say: (text: string) => void): Promise<GridServers> {
  for (const [name, port] of Object.entries(PORTS)) {
    if (await isFree(port)) continue
    throw new Error(
      `Port ${port}, where ${name} should listen, is taken: does the grid run already? Servers of your own are named by --stream and --trace.`,
    )
  }
  for (const step of [REDIS, kafka]) {
    if (step.present()) continue
    say(`Installing ${step.name} (${step.how}) …`)
    await step.install()
  }
  say('Starting Kafka and Redis; the first time takes up to a minute …')
  const place = (name: string) => {
    const path = join(resolve(folder), name)
    mkdirSync(path, { recursive: true })
    return path
  }
  await using starting = new AsyncDisposableStack()
  const keep = async <T extends AsyncDisposable>(server: Promise<T>) => starting.use(await server)
  const both = [
    keep(startKafka({ folder: place('kafka'), port: PORTS.Kafka, jvm: [], heapMegabytes: 512 })),
    // On the disk within a second of the answer: a trace that is lost costs work, never a datum.
    keep(startRedis({ folder: place('redis'), port: PORTS.Redis, args: ['--appendonly', 'yes'] })),
  ] as const
  // Both, before one that failed is reported: one still on its way could not be ended.
  await Promise.allSettled(both)
  const [broker, redis] = await Promise.all(both)
  starting.move()
  return {
    stream: `kafka://${broker.address}`,
    trace: redis.address,
    // The processes have stopped: nobody writes any more, and what was written is where it belongs.
    stop: async () => void (await Promise.all([broker.stop(), redis.stop()])),
  }
}
