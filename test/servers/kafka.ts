import { join } from 'node:path'
import { serverFolder } from './folder.ts'
import { KafkaNode } from './kafka-node.ts'
import { freePort } from './port.ts'

/** A second listener of every node, for the clients of a test; the plain one stays, for the brokers themselves and for administration. */
export interface ClientListener {
  readonly protocol?: 'PLAINTEXT' | 'SSL' | 'SASL_PLAINTEXT' | 'SASL_SSL'
  /** Puts something between: given where a node listens, the `host:port` that clients are told. */
  readonly through?: (address: string) => Promise<string>
}

export interface KafkaOptions {
  /** 1 or 3; three replicate everything, with two in-sync replicas at the least. */
  readonly nodes?: 1 | 3
  /** Over the defaults below. */
  readonly properties?: Readonly<Record<string, string>>
  /** Kept afterwards; without it a folder that is deleted when this process ends. */
  readonly folder?: string
  /** Its properties begin with `listener.name.client.`. */
  readonly listener?: ClientListener
  /** User → password, for SCRAM-SHA-256. */
  readonly scram?: Readonly<Record<string, string>>
  /** Of the plain listener of the first node. Default: one that is free. */
  readonly port?: number
  /** More options for Java. The default starts soon and runs at half speed: to measure throughput, give `[]`. */
  readonly jvm?: readonly string[]
  /** Default 384 with one node, 320 each with three. */
  readonly heapMegabytes?: number
}

export interface KafkaServer extends AsyncDisposable {
  /** The plain listeners, `host:port` joined by commas. */
  readonly address: string
  /** The listeners for clients where there are such; else the same as `address`. */
  readonly clientAddress: string
  readonly nodes: readonly KafkaNode[]
  stop(): Promise<void>
  /** SIGKILL to every node. */
  kill(): Promise<void>
  restart(): Promise<void>
}

/** Kafka in KRaft mode on loopback; every node is broker and controller. It makes no topic by itself. */
export async function startKafka(options: KafkaOptions = {}): Promise<KafkaServer> {
  const count = options.nodes ?? 1
  const folder = options.folder ?? serverFolder('kafka')
  const places = await Promise.all(
    Array.from({ length: count }, (_, i) => choosePlace(i === 0 ? options.port : undefined, options.listener)),
  )
  const voters = places.map(({ controller }, i) => `${i + 1}@${controller}`).join(',')
  const heap = options.heapMegabytes ?? (count === 1 ? 384 : 320)
  const jvm = [`-Xmx${heap}m`, ...(options.jvm ?? ['-XX:TieredStopAtLevel=1'])]
  const nodes = places.map((place, i) => {
    const properties = { ...defaults(count), ...listeners(place, options.listener), ...options.properties }
    const identity = { 'node.id': String(i + 1), 'process.roles': 'broker,controller', 'controller.quorum.voters': voters }
    return new KafkaNode({
      id: i + 1,
      address: place.plain,
      folder: join(folder, String(i + 1)),
      properties: { ...properties, ...identity },
      scram: options.scram ?? {},
      jvm,
    })
  })
  const server: KafkaServer = {
    address: places.map(({ plain }) => plain).join(),
    clientAddress: places.map(({ plain, advertised }) => advertised ?? plain).join(),
    nodes,
    stop: () => stopInOrder(nodes),
    kill: async () => void (await Promise.all(nodes.map(node => node.kill()))),
    restart: async () => {
      await stopInOrder(nodes)
      await startAll(nodes)
    },
    [Symbol.asyncDispose]: async () => void (await Promise.all(nodes.map(node => node.kill()))),
  }
  await startAll(nodes)
  return server
}

interface Place {
  readonly plain: string
  readonly controller: string
  readonly client: string | undefined
  /** What clients are told in place of `client`. */
  readonly advertised: string | undefined
}

async function choosePlace(port: number | undefined, listener: ClientListener | undefined): Promise<Place> {
  const plain = `127.0.0.1:${port ?? (await freePort())}`
  const controller = `127.0.0.1:${await freePort()}`
  if (listener === undefined) return { plain, controller, client: undefined, advertised: undefined }
  const client = `127.0.0.1:${await freePort()}`
  return { plain, controller, client, advertised: (await listener.through?.(client)) ?? client }
}

function defaults(nodes: number): Record<string, string> {
  const replicas = String(nodes)
  const inSync = nodes === 1 ? '1' : '2'
  return {
    'default.replication.factor': replicas,
    'min.insync.replicas': inSync,
    'offsets.topic.replication.factor': replicas,
    'offsets.topic.num.partitions': '4',
    'transaction.state.log.replication.factor': replicas,
    'transaction.state.log.min.isr': inSync,
    'share.coordinator.state.topic.replication.factor': replicas,
    'share.coordinator.state.topic.min.isr': inSync,
    'group.initial.rebalance.delay.ms': '0',
    // A killed node is let in again only when its old registration has run out; the default of 9 s is a test's whole patience.
    'broker.session.timeout.ms': '2000',
    'broker.heartbeat.interval.ms': '500',
    'auto.create.topics.enable': 'false',
    'num.network.threads': '2',
    'num.io.threads': '4',
  }
}

function listeners({ plain, controller, client, advertised }: Place, listener: ClientListener | undefined): Record<string, string> {
  const own = client === undefined ? '' : `,CLIENT://${client}`
  const told = advertised === undefined ? '' : `,CLIENT://${advertised}`
  const protocols = ['PLAINTEXT:PLAINTEXT', 'CONTROLLER:PLAINTEXT', `CLIENT:${listener?.protocol ?? 'PLAINTEXT'}`]
  return {
    listeners: `PLAINTEXT://${plain},CONTROLLER://${controller}${own}`,
    'advertised.listeners': `PLAINTEXT://${plain}${told}`,
    'controller.listener.names': 'CONTROLLER',
    'inter.broker.listener.name': 'PLAINTEXT',
    'listener.security.protocol.map': protocols.join(),
  }
}

/** All at once: no node is up before most of them are. When one fails, none is left running. */
async function startAll(nodes: readonly KafkaNode[]): Promise<void> {
  const results = await Promise.allSettled(nodes.map(node => node.start()))
  const failed = results.find(result => result.status === 'rejected')
  if (failed === undefined) return
  await Promise.all(nodes.map(node => node.kill()))
  throw failed.reason
}

/** One after another; but the last can hand nothing over, and of three the second would wait for a majority that is no more. */
async function stopInOrder(nodes: readonly KafkaNode[]): Promise<void> {
  const [first, ...others] = nodes
  if (others.length > 0) await first?.stop()
  else return first?.stop()
  await Promise.all(others.map(node => node.kill()))
}
