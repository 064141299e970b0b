import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Admin } from '@platformatic/kafka'
import { installed, kafkaJars } from '../../scripts/servers/cache.ts'
import { kafkaArchive } from '../../scripts/servers/kafka-archive.ts'
import { ServerProcess } from './server-process.ts'

const CLUSTER_ID = 'TWlsbHJhY2VNaWxscmFjZQ'
const ANSWER_MS = 2_000
const FORMAT_MS = 60_000
const LOG4J = `<Configuration><Appenders><Console name="C"><PatternLayout pattern="%d %p %c %m%n"/></Console></Appenders>
<Loggers><Root level="INFO"><AppenderRef ref="C"/></Root></Loggers></Configuration>`

export interface NodeOptions {
  readonly id: number
  /** `host:port` of the plain listener. */
  readonly address: string
  /** Holds the node's properties, log and data. */
  readonly folder: string
  readonly properties: Readonly<Record<string, string>>
  /** Users with SCRAM-SHA-256 passwords, which only the first format can write before any broker runs. */
  readonly scram: Readonly<Record<string, string>>
  readonly jvm: readonly string[]
}

/** One broker, which is a controller too. */
export class KafkaNode {
  readonly id: number
  readonly address: string
  readonly #options: NodeOptions
  readonly #process: ServerProcess

  constructor(options: NodeOptions) {
    this.#options = options
    this.id = options.id
    this.address = options.address
    this.#process = new ServerProcess({
      name: `Kafka node ${options.id}`,
      command: [installed('java'), ...this.#java(), ...options.jvm, 'kafka.Kafka', this.#path('kafka.properties')],
      cwd: options.folder,
      logFile: this.#path('kafka.log'),
      ready: () => this.#registered(),
    })
  }

  get pid(): number | undefined {
    return this.#process.pid
  }

  get log(): string {
    return this.#process.log
  }

  async start(): Promise<void> {
    mkdirSync(this.#options.folder, { recursive: true })
    const { properties } = this.#options
    const lines = Object.entries({ ...properties, 'log.dirs': this.#path('data') }).map(([name, value]) => `${name}=${value}\n`)
    writeFileSync(this.#path('kafka.properties'), lines.join(''))
    writeFileSync(this.#path('log4j2.xml'), LOG4J)
    if (!existsSync(this.#path('data', 'meta.properties'))) await this.#format()
    await this.#process.start()
  }

  /** Ends it in good order: its partitions move to other nodes first. */
  stop(): Promise<void> {
    return this.#process.stop()
  }

  kill(): Promise<void> {
    return this.#process.kill()
  }

  restart(): Promise<void> {
    return this.#process.restart()
  }

  #path(...parts: readonly string[]): string {
    return join(this.#options.folder, ...parts)
  }

  #java(): string[] {
    const archive = kafkaArchive()
    const shared = existsSync(archive) ? [`-XX:SharedArchiveFile=${archive}`] : []
    return ['-XX:+UseSerialGC', ...shared, `-Dlog4j2.configurationFile=${this.#path('log4j2.xml')}`, '-cp', join(kafkaJars(), '*')]
  }

  async #format(): Promise<void> {
    const users = Object.entries(this.#options.scram).flatMap(([name, password]) => [
      '--add-scram',
      `SCRAM-SHA-256=[name=${name},password=${password}]`,
    ])
    const what = ['format', '-t', CLUSTER_ID, '-c', this.#path('kafka.properties'), '--ignore-formatted', ...users]
    const args = [...this.#java(), '-Xmx128m', '-XX:TieredStopAtLevel=1', 'kafka.tools.StorageTool', ...what]
    try {
      await promisify(execFile)(installed('java'), args, { timeout: FORMAT_MS })
    } catch (cause) {
      throw new Error(`Kafka node ${this.id} cannot format its folder: ${cause instanceof Error ? cause.message : cause}`, { cause })
    }
  }

  /**
   * Asks the node for the cluster's brokers, among whom it names itself only once the controller has let it in. Before that its port is
   * open and it answers, but it takes no data.
   */
  async #registered(): Promise<void> {
    const admin = new Admin({
      clientId: 'millrace-test',
      bootstrapBrokers: [this.address],
      retries: 0,
      connectTimeout: ANSWER_MS,
      requestTimeout: ANSWER_MS,
    })
    try {
      const { brokers } = await admin.metadata({ topics: [], forceUpdate: true })
      if (!brokers.has(this.id)) throw new Error(`node ${this.id} is not among the brokers that are up`)
    } finally {
      await admin.close()
    }
  }
}
