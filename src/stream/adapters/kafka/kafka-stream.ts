import type {
  AppendBatch,
  Appended,
  Bounds,
  Group,
  GroupedStream,
  Place,
  RecordBatch,
  Start,
  StreamCapabilities,
  Subscription,
  TopicSpec,
} from '../../stream.ts'
import { type Cluster, closedError } from './cluster.ts'
import { CONTROL_SPEC, Control } from './control.ts'
import { ensureTopics } from './ensure.ts'
import { type GroupContext, KafkaSubscription } from './group/subscription.ts'
import { Names } from './names.ts'
import type { EnvelopeCodec } from './options.ts'
import { readPlaces } from './places.ts'
import { Producer } from './producer.ts'
import { Reads } from './reads.ts'
import { MAX_MESSAGE_BYTES } from './topic-settings.ts'
import { Packing } from './wire/compression.ts'
import { fetchCall } from './wire/fetch-call.ts'

/** The stream on Kafka: one pipeline's topics and groups in a cluster that others use too. */
export class KafkaStream implements GroupedStream {
  readonly logId: string
  readonly #cluster: Cluster
  readonly #names: Names
  readonly #producer: Producer
  readonly #reads: Reads
  readonly #control: Control
  readonly #context: GroupContext
  readonly #subscriptions = new Set<KafkaSubscription>()
  /** Of all topics that were ensured. */
  #maxMessageBytes = MAX_MESSAGE_BYTES
  #closing: Promise<void> | undefined

  private constructor(cluster: Cluster, names: Names, producer: Producer, reads: Reads, control: Control, context: GroupContext) {
    this.#cluster = cluster
    this.#names = names
    this.#producer = producer
    this.#reads = reads
    this.#control = control
    this.#context = context
    this.logId = `${cluster.id}/${control.id}`
  }

  /** Opens the stream over a cluster that answers. The caller closes the cluster where this fails. */
  static async open(cluster: Cluster): Promise<KafkaStream> {
    const { prefix, pipeline, clock } = cluster.settings
    const names = new Names(prefix, pipeline)
    const packing = new Packing(cluster.kafka)
    const fetch = fetchCall(cluster.kafka)
    const producer = new Producer(cluster, names)
    const reads = new Reads(cluster, names, packing, fetch)
    await ensureTopics(cluster, names, [CONTROL_SPEC])
    const log = {
      append: (batches: readonly AppendBatch[]) => producer.append(batches),
      read: (topic: string, partition: number, from: number, maxBytes: number) => reads.read(topic, partition, from, maxBytes),
    }
    const control = await Control.open(log, clock)
    return new KafkaStream(cluster, names, producer, reads, control, { cluster, names, control, packing, fetch })
  }

  /** A broker knows a producer's last batches, not the ids of data: what is sent again under another producer's name is in the log twice. */
  get capabilities(): StreamCapabilities {
    const { codec } = this.#cluster.settings
    return { refusesCopies: false, holdsCopies: true, maxDatumBytes: maxDatumBytes(codec, this.#maxMessageBytes) }
  }

  async ensure(topics: readonly TopicSpec[]): Promise<void> {
    this.#checkOpen()
    const takenBytes = await ensureTopics(this.#cluster, this.#names, topics)
    this.#maxMessageBytes = Math.min(this.#maxMessageBytes, takenBytes)
    await this.#control.addTopics(topics)
  }

  async append(batches: readonly AppendBatch[]): Promise<Appended[]> {
    this.#checkOpen()
    return this.#producer.append(batches)
  }

  subscribe(group: Group, topics: readonly string[], start: Start): Subscription {
    this.#checkOpen()
    const subscription = new KafkaSubscription(this.#context, group, topics, start)
    this.#subscriptions.add(subscription)
    return {
      [Symbol.asyncIterator]: () => subscription[Symbol.asyncIterator](),
      close: async () => {
        await subscription.close()
        this.#subscriptions.delete(subscription)
      },
    }
  }

  async read(topic: string, partition: number, from: number, maxBytes: number): Promise<RecordBatch> {
    this.#checkOpen()
    return this.#reads.read(topic, partition, from, maxBytes)
  }

  async appendedMs(topic: string, partition: number, offset: number): Promise<number | undefined> {
    this.#checkOpen()
    return this.#reads.appendedMs(topic, partition, offset)
  }

  async bounds(topic: string): Promise<Bounds[]> {
    this.#checkOpen()
    return this.#reads.bounds(topic)
  }

  async topics(): Promise<TopicSpec[]> {
    this.#checkOpen()
    await this.#control.catchUp()
    const { topics } = this.#control
    const kafkaTopics = topics.map(({ name }) => this.#names.topic(name))
    await this.#cluster.patiently({ what: 'look up topics' }, () => this.#cluster.refresh(kafkaTopics))
    // Noted once and deleted since: by hand, for Millrace deletes none.
    return topics.filter((_, index) => this.#cluster.known(kafkaTopics[index]!) !== undefined)
  }

  async places(): Promise<Place[]> {
    this.#checkOpen()
    return this.#cluster.patiently({ what: 'look up where the groups stand', right: 'Describe on the groups' }, () =>
      readPlaces(this.#cluster, this.#names, this.#control),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  /** The groups first, so that others go on at once; then what is on its way; then the connections. */
  async #close(): Promise<void> {
    try {
      await Promise.all([...[...this.#subscriptions].map(subscription => subscription.close()), this.#producer.close()])
    } finally {
      await this.#cluster.close()
    }
  }

  #checkOpen(): void {
    if (this.#closing !== undefined) throw closedError()
  }
}

/** Room for an envelope and a batch around the largest datum. */
const AROUND_BYTES = 64 * 1024

/** As JSON a datum is in base64, three bytes in four characters; whether it compresses nobody knows before. */
function maxDatumBytes(codec: EnvelopeCodec, maxMessageBytes: number): number {
  const room = maxMessageBytes - Math.min(AROUND_BYTES, maxMessageBytes / 2)
  return Math.floor(codec === 'json' ? (room * 3) / 4 : room)
}
