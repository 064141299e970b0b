import { startKafka } from '../../test/servers/kafka.ts'
import { startPostgres } from '../../test/servers/postgres.ts'
import { startRedis } from '../../test/servers/redis.ts'
import { startS3 } from '../../test/servers/s3.ts'

type S3 = Awaited<ReturnType<typeof startS3>>

/** Kafka, Redis, PostgreSQL and S3 on loopback, each started when it is first asked for, as servers in production are set: no test's savings. */
export class Servers {
  readonly #stops: (() => Promise<unknown>)[] = []
  #kafka: Promise<string> | undefined
  #redis: Promise<string> | undefined
  #postgres: Promise<string> | undefined
  #s3: Promise<S3> | undefined

  /** `host:port` */
  kafka(): Promise<string> {
    // No JVM options: a test's broker starts soon and runs at half speed.
    this.#kafka ??= this.#keep(startKafka({ jvm: [], heapMegabytes: 512 })).then(({ address }) => address)
    return this.#kafka
  }

  /** `redis://host:port` */
  redis(): Promise<string> {
    this.#redis ??= this.#keep(startRedis(['--appendonly', 'yes'])).then(({ address }) => address)
    return this.#redis
  }

  /** `postgres://user:password@host:port/database` */
  postgres(): Promise<string> {
    this.#postgres ??= this.#keep(startPostgres()).then(({ address }) => address)
    return this.#postgres
  }

  s3(): Promise<S3> {
    this.#s3 ??= this.#keep(startS3())
    return this.#s3
  }

  async stop(): Promise<void> {
    // What they hold is thrown away.
    await Promise.all(this.#stops.map(stop => stop()))
  }

  async #keep<T extends { kill(): Promise<unknown> }>(starting: Promise<T>): Promise<T> {
    const server = await starting
    this.#stops.push(() => server.kill())
    return server
  }
}
