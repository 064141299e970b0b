import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { systemClock } from '../../../src/clock.ts'
import type { Engine } from '../../../src/engine/engine.ts'
import { openDistributed } from '../../../src/runtime/distributed.ts'
import { servers } from '../../servers/shared.ts'
import { until } from '../harness.ts'
import { Millrace } from '../millrace.ts'
import { type Load, Producer } from '../producer.ts'
import { type Audited, audit } from './audit.ts'
import { Objects } from './objects.ts'
import faults from './pipeline.ts'
import { spilledBy, unhandled } from './rest.ts'
import { Rows } from './rows.ts'

const PIPELINE = fileURLToPath(new URL('./pipeline.ts', import.meta.url))
const PRODUCERS = 3
/** Some 200 data a second in batches that each touch every partition: something is under way at any moment. It is batches that cost, and two cores are not worn out by so few. */
const LOAD: Load = { lines: 120, pauseMs: 1_800 }
/** Those of several fleets start at once, on two cores. */
const READY_MS = 300_000
const UNDER_WAY_MS = 180_000
const REST_MS = 300_000
const LOOK_MS = 250

export type Role = 'frontend' | 'agents' | 'storage'

/** Where the four servers are: Kafka's `host:port`, the URLs of Redis and PostgreSQL, and S3's endpoint. */
export interface Places {
  readonly kafka: string
  readonly redis: string
  readonly postgres: string
  readonly s3: string
}

export interface FleetOptions {
  readonly random: () => number
  /** Servers of the test's own. Default: the shared ones. */
  readonly places?: Partial<Places>
  /** What processes are told in place of these: proxies. */
  readonly through?: Partial<Places>
  readonly load?: Load
}

export interface StartOptions {
  /** `name:N`: it dies there. */
  readonly failpoint?: string
  /** The agents that it runs. Default: all of its role. */
  readonly only?: string
}

/**
 * Processes of one pipeline, each with a data directory of its own, that share servers; producers that know every front end; and a look
 * at what has come of it, by names that no other test uses.
 */
export class Fleet {
  readonly producers: readonly Producer[]
  readonly prefix: string
  readonly places: Places
  readonly rows: Rows
  readonly objects: Objects
  /** SIGKILLs so far. */
  kills = 0
  readonly #options: FleetOptions
  readonly #folder = mkdtempSync(join(tmpdir(), 'millrace-fleet-'))
  readonly #processes = new Map<string, Millrace>()
  readonly #urls = new Map<string, string>()
  readonly #view: Engine
  readonly #startedMs = Date.now()

  private constructor(options: FleetOptions, prefix: string, places: Places, view: Engine, rows: Rows, objects: Objects) {
    this.#options = options
    this.prefix = prefix
    this.places = places
    this.#view = view
    this.rows = rows
    this.objects = objects
    const { random, load } = options
    this.producers = Array.from(
      { length: PRODUCERS },
      (_, i) => new Producer(String(i + 1), () => this.#anyFrontEnd(), random, { ...LOAD, ...load }),
    )
  }

  static async open(options: FleetOptions): Promise<Fleet> {
    const { s3, ...shared } = servers()
    const places = { ...shared, s3: s3.endpoint, ...options.places }
    const prefix = `f${randomBytes(5).toString('hex')}`
    const objects = await Objects.make(places.s3, `fault-${prefix}`)
    const view = await openDistributed(
      { stream: { url: streamUrl(places.kafka, prefix) }, trace: { url: traceUrl(places.redis, prefix) } },
      { pipeline: faults.name, clock: systemClock, held: () => undefined, warn: () => undefined },
    )
    return new Fleet(options, prefix, places, view, new Rows(places.postgres, `fault_${prefix}`), objects)
  }

  get view(): Engine {
    return this.#view
  }

  get acknowledged(): number {
    return this.producers.reduce((sum, producer) => sum + producer.acknowledged.size, 0)
  }

  /** Starts a process, the same one again where it has run before. */
  start(role: Role, number = 1, { failpoint = '', only }: StartOptions = {}): Millrace {
    const name = `${role}-${number}`
    const { kafka, redis, postgres, s3 } = { ...this.places, ...this.#options.through }
    const data = join(this.#folder, name)
    const { region, accessKeyId, secretAccessKey } = servers().s3
    const stream = streamUrl(kafka, this.prefix)
    const process = new Millrace({
      name,
      file: PIPELINE,
      data,
      args: ['start', '--role', role, '--stream', stream, '--trace', traceUrl(redis, this.prefix), ...(only ? ['--agents', only] : [])],
      readyMs: READY_MS,
      env: {
        MILLRACE_FAILPOINT: failpoint,
        FAULT_POSTGRES: postgres,
        FAULT_SCHEMA: this.rows.schema,
        FAULT_S3: s3,
        FAULT_BUCKET: this.objects.bucket,
        FAULT_STAGING: join(data, 'staging'),
        AWS_REGION: region,
        AWS_ACCESS_KEY_ID: accessKeyId,
        AWS_SECRET_ACCESS_KEY: secretAccessKey,
      },
    })
    this.#processes.set(name, process)
    if (role === 'frontend') this.#follow(name, process)
    return process
  }

  /** Starts so many of each and waits until all are ready. */
  async startAll(counts: Readonly<Record<Role, number>>): Promise<void> {
    // The roles of one pipeline, as declared above.
    const roles = Object.entries(counts) as [Role, number][]
    const starting = roles.flatMap(([role, count]) => Array.from({ length: count }, (_, i) => this.start(role, i + 1)))
    await Promise.all(starting.map(process => process.ready))
  }

  process(role: Role, number = 1): Millrace {
    const process = this.#processes.get(`${role}-${number}`)
    if (process === undefined) throw new TypeError(`No ${role}-${number} was started`)
    return process
  }

  /** SIGKILL, and waits until it is gone. */
  async kill(role: Role, number = 1): Promise<void> {
    const process = this.process(role, number)
    process.signal('SIGKILL')
    await process.ended
    this.kills++
  }

  /** Producers know every front end and take any that is up. */
  async #anyFrontEnd(): Promise<string> {
    const urls = [...this.#urls.values()]
    const url = urls[Math.floor(this.#options.random() * urls.length)]
    if (url === undefined) throw new Error('No front end is up')
    return url
  }

  #follow(name: string, process: Millrace): void {
    const isCurrent = () => this.#processes.get(name) === process
    this.#urls.delete(name)
    process.ready.then(
      ({ listen }) => isCurrent() && this.#urls.set(name, listen),
      // Whoever started it hears of it.
      () => undefined,
    )
    void process.ended.then(() => isCurrent() && this.#urls.delete(name))
  }

  send(): void {
    for (const producer of this.producers) producer.start()
  }

  /** Lets the producers finish: all that they have sent is acknowledged then. */
  async finish(): Promise<void> {
    await Promise.all(this.producers.map(producer => producer.stop()))
  }

  /** Waits until nothing is spilled and every agent has handled everything. */
  async rest(deadlineMs: number): Promise<void> {
    const deadline = Date.now() + deadlineMs
    for (;;) {
      const left = await this.#left()
      if (left.length === 0) return
      if (Date.now() > deadline) {
        const said = [...this.#processes].map(([name, process]) => `${name}: ${process.errors.slice(-2_000)}`)
        throw new Error(`After ${deadlineMs} ms not at rest:\n${left.join('\n')}\n${said.join('\n')}`)
      }
      await sleep(LOOK_MS)
    }
  }

  /** What waits somewhere, each as a sentence. */
  async #left(): Promise<string[]> {
    const spilled: string[] = []
    for (const [name, process] of this.#processes) {
      if (!this.#urls.has(name)) continue
      const data = await spilledBy((await process.ready).operators)
      if (data > 0) spilled.push(`${name} has spilled ${data} data`)
    }
    // Only then: what is spilled is on its way to the agents.
    return [...spilled, ...(await unhandled(this.#view, faults))]
  }

  /**
   * Compares what was acknowledged with all that came of it; at rest only, see {@link rest}.
   * @param lost `traceLost`: the trace was wiped, so an object may hold a copy under its own id.
   */
  async audit(lost: { readonly traceLost?: boolean } = {}): Promise<Audited> {
    return audit({ view: this.#view, producers: this.producers, rows: this.rows, objects: this.objects, ...lost })
  }

  /** Lets the producers finish and everything come to rest, and audits it; says what the run was, for whoever judges how much it proves. */
  async verdict(fault: string, lost: { readonly traceLost?: boolean } = {}): Promise<Audited> {
    await this.finish()
    await this.rest(REST_MS)
    const audited = await this.audit(lost)
    const seconds = Math.round((Date.now() - this.#startedMs) / 1_000)
    const { copies, objectCopies, letters } = audited
    console.log(
      `${fault}: ${this.acknowledged} acknowledged, ${this.kills} kills, ${copies} copies, ${objectCopies} copies in objects, ${letters} dead letters, after ${seconds} s`,
    )
    return audited
  }

  /** Waits until so many more data are acknowledged. */
  async underWay(more: number): Promise<void> {
    const before = this.acknowledged
    await until(`${more} more data are accepted`, UNDER_WAY_MS, () => this.acknowledged > before + more)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const producer of this.producers) producer.abandon()
    await Promise.all([...this.#processes.values()].map(process => process[Symbol.asyncDispose]()))
    await this.#view.close()
    await this.rows.remove()
    this.objects.close()
    rmSync(this.#folder, { recursive: true, force: true })
  }
}

function streamUrl(kafka: string, prefix: string): string {
  return `kafka://${kafka}?prefix=${prefix}.`
}

function traceUrl(redis: string, prefix: string): string {
  return `${redis}?prefix=${prefix}:`
}
