import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { debianPackage } from '../../scripts/servers/debian.ts'
import { kafka } from '../../scripts/servers/kafka.ts'
import { startKafka } from '../../test/servers/kafka.ts'
import { isFree } from '../../test/servers/port.ts'
import { startRedis } from '../../test/servers/redis.ts'

export interface Ports {
  readonly kafka: number
  readonly redis: number
}

const REDIS = debianPackage('redis-server', 'redis-server', 'about 10 s', 'redis-server')

/** docs/redis.md. On the disk within a second of the answer: a trace that is lost costs work, never a datum. */
const REDIS_SETTINGS = ['--appendonly', 'yes', '--hash-max-listpack-value', '1024']

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
export async function startServers(folder: string, ports: Ports, say: (text: string) => void): Promise<GridServers> {
  for (const [name, port] of Object.entries(ports)) {
    if (await isFree(port)) continue
    const fix = `If the grid runs already, stop it. Else choose another port with --${name}, or name servers of your own with --stream and --trace.`
    throw new Error(`Port ${port}, where ${name} should listen, is taken. ${fix}`)
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
    keep(startKafka({ folder: place('kafka'), port: ports.kafka, jvm: [], heapMegabytes: 512 })),
    keep(startRedis({ folder: place('redis'), port: ports.redis, args: REDIS_SETTINGS })),
  ] as const
  // Both, before one that failed is reported: one still on its way could not be ended.
  await Promise.allSettled(both)
  const [broker, redis] = await Promise.all(both)
  starting.move()
  return {
    stream: `kafka://${broker.address}`,
    trace: redis.address,
    stop: async () => void (await Promise.all([broker.stop(), redis.stop()])),
  }
}
