import { mkdirSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { startKafka } from '../../test/servers/kafka.ts'
import { isFree } from '../../test/servers/port.ts'
import { startPostgres } from '../../test/servers/postgres.ts'
import { startRedis } from '../../test/servers/redis.ts'
import { startS3 } from '../../test/servers/s3.ts'

export interface Ports {
  readonly kafka: number
  readonly redis: number
  readonly postgres: number
  readonly s3: number
}

const DEFAULT_PORTS: Ports = { kafka: 9092, redis: 6379, postgres: 5432, s3: 9000 }

export interface LocalServers {
  /** `host:port` */
  readonly kafka: string
  /** `redis://host:port` */
  readonly redis: string
  /** `postgres://user:password@host:port/database` */
  readonly postgres: string
  readonly s3: { readonly endpoint: string; readonly region: string; readonly accessKeyId: string; readonly secretAccessKey: string }
  /** Ends all of them in good order; what they hold stays in the folder. They also end, as in a crash, when this process does. */
  stop(): Promise<void>
}

/**
 * Starts Kafka, Redis, PostgreSQL and S3 on loopback with their data in `folder`, where a later start finds them again.
 * @throws when a port is taken, or a server is not installed or does not come up; none is left running then.
 */
export async function startLocalServers(folder: string, options: { readonly ports?: Partial<Ports> } = {}): Promise<LocalServers> {
  const ports = { ...DEFAULT_PORTS, ...options.ports }
  for (const [name, port] of Object.entries(ports)) {
    if (!(await isFree(port))) throw new Error(`Port ${port}, where ${name} should listen, is taken. End what uses it, or choose another.`)
  }
  const place = (name: string) => {
    const path = join(resolve(folder), name)
    mkdirSync(path, { recursive: true })
    return path
  }
  await using starting = new AsyncDisposableStack()
  const keep = async <T extends AsyncDisposable>(server: Promise<T>) => starting.use(await server)
  const all = [
    keep(startKafka({ folder: place('kafka'), port: ports.kafka, jvm: [], heapMegabytes: 512 })),
    // On the disk within a second of the answer; nothing more is needed to try things out.
    keep(startRedis({ folder: place('redis'), port: ports.redis, args: ['--appendonly', 'yes', '--hash-max-listpack-value', '1024'] })),
    keep(startPostgres({ folder: place('postgres'), port: ports.postgres })),
    keep(startS3({ folder: place('s3'), port: ports.s3 })),
  ] as const
  // Every one of them, before one that failed is reported: one still on its way could not be ended.
  await Promise.allSettled(all)
  const [kafka, redis, postgres, s3] = await Promise.all(all)
  starting.move()
  const { endpoint, region, accessKeyId, secretAccessKey } = s3
  return {
    kafka: kafka.address,
    redis: redis.address,
    postgres: postgres.address,
    s3: { endpoint, region, accessKeyId, secretAccessKey },
    stop: async () => void (await Promise.all([kafka.stop(), redis.stop(), postgres.stop(), s3.stop()])),
  }
}
