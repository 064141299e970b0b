import { MillraceError } from '../../../errors.ts'
import type { Bounds, RecordBatch } from '../../stream.ts'
import { away, type Cluster, type TopicMetadata } from './cluster.ts'
import { type KafkaPlace, leaderOf, logOffsets } from './log-offsets.ts'
import { type FetchedLog, LogReader } from './log-reader.ts'
import type { Names } from './names.ts'
import type { Packing } from './wire/compression.ts'
import type { FetchCall, FetchedPartition } from './wire/fetch-call.ts'

/** Brokers give the first batch whole, however little is asked for. */
const MIN_FETCH_BYTES = 1

/** What there is from an offset on. */
interface Opened {
  readonly log: FetchedLog | undefined
  /** Where it ends, should there be nothing. */
  readonly end: number
}

/** Reads that belong to no group: taps, folds, rolls, lineage. */
export class Reads {
  readonly #cluster: Cluster
  readonly #names: Names
  readonly #packing: Packing
  readonly #fetch: FetchCall

  constructor(cluster: Cluster, names: Names, packing: Packing, fetch: FetchCall) {
    this.#cluster = cluster
    this.#names = names
    this.#packing = packing
    this.#fetch = fetch
  }

  /** @throws TOPIC_UNKNOWN */
  async metadata(topic: string): Promise<TopicMetadata> {
    const kafkaTopic = this.#names.topic(topic)
    const metadata = await this.#cluster.patiently({ what: `describe the topic ${kafkaTopic}` }, () => this.#cluster.topic(kafkaTopic))
    if (metadata === undefined) {
      throw new MillraceError('TOPIC_UNKNOWN', `There is no topic ${topic} in Kafka (there it would be called ${kafkaTopic}).`)
    }
    return metadata
  }

  async bounds(topic: string): Promise<Bounds[]> {
    const { partitions } = await this.metadata(topic)
    const kafkaTopic = this.#names.topic(topic)
    const places = partitions.map((_, partition) => ({ kafkaTopic, partition }))
    return this.#cluster.patiently({ what: `look up the bounds of ${kafkaTopic}` }, async () => {
      const [firsts, nexts] = await Promise.all([logOffsets(this.#cluster, places, 'first'), logOffsets(this.#cluster, places, 'next')])
      return places.map((_, partition) => ({ first: firsts[partition]!, next: Math.max(firsts[partition]!, nexts[partition]!) }))
    })
  }

  async read(topic: string, partition: number, from: number, maxBytes: number): Promise<RecordBatch> {
    return this.#opened(topic, partition, from, maxBytes, ({ log, end }, reader) => {
      const batch = log?.take(maxBytes)
      return batch === undefined || batch.count === 0 ? reader.empty(end) : batch
    })
  }

  async appendedMs(topic: string, partition: number, offset: number): Promise<number | undefined> {
    return this.#opened(topic, partition, offset, MIN_FETCH_BYTES, ({ log }) => log?.appendedMs)
  }

  /** Fetches from an offset and reads what came. @throws TOPIC_UNKNOWN */
  async #opened<T>(
    topic: string,
    partition: number,
    from: number,
    maxBytes: number,
    use: (opened: Opened, reader: LogReader) => T,
  ): Promise<T> {
    const { partitions } = await this.metadata(topic)
    if (partitions[partition] === undefined) {
      throw new MillraceError('TOPIC_UNKNOWN', `The topic ${topic} has ${partitions.length} partitions; ${partition} is none of them.`)
    }
    const kafkaTopic = this.#names.topic(topic)
    const doing = { what: `read ${kafkaTopic}/${partition}`, right: `Read on the topic ${kafkaTopic}` }
    const reader = new LogReader(this.#cluster.kafka, this.#packing, topic, kafkaTopic, partition)
    return this.#cluster.patiently(doing, async () => use(await this.#open(reader, from, maxBytes), reader))
  }

  async #open(reader: LogReader, from: number, maxBytes: number): Promise<Opened> {
    const { kafkaTopic, partition } = reader
    const place = { kafkaTopic, partition }
    const fetched = await this.#fetchOnce(place, from, maxBytes)
    if (fetched !== 'out of range') {
      const log = reader.open(fetched, from)
      // A leader that is new to it knows for a while less than was acknowledged, and answers with nothing: what it says of the log's end it
      // says only once it knows (KIP-207).
      if (!log.more && from < (await logOffsets(this.#cluster, [place], 'next'))[0]!) throw behind(place)
      return { log, end: from }
    }
    const [first, next] = await Promise.all([logOffsets(this.#cluster, [place], 'first'), logOffsets(this.#cluster, [place], 'next')])
    // Beyond the end there is nothing yet; below the first, retention has been: what is left begins there.
    if (from >= next[0]!) return { log: undefined, end: from }
    const left = await this.#fetchOnce(place, first[0]!, maxBytes)
    if (left === 'out of range') throw away(`the bounds of ${kafkaTopic}/${partition} move while it is read`)
    const log = reader.open(left, first[0]!)
    if (!log.more && first[0]! < next[0]!) throw behind(place)
    return { log, end: first[0]! }
  }

  async #fetchOnce(place: KafkaPlace, from: number, maxBytes: number): Promise<FetchedPartition | 'out of range'> {
    const { kafkaTopic, partition } = place
    const cluster = this.#cluster
    const connection = await cluster.connect(await leaderOf(cluster, place), cluster.pool('reads'))
    const topicId = (await cluster.topic(kafkaTopic))?.id
    if (topicId === undefined) throw away(`the topic ${kafkaTopic} is not known at the moment`)
    const bytes = Math.max(MIN_FETCH_BYTES, maxBytes)
    const { errorCode, partitions } = await this.#fetch(connection, [{ topicId, partition, from, maxBytes: bytes }], 0, bytes)
    const [fetched] = partitions
    const problem = cluster.errorId(errorCode) ?? (fetched === undefined ? 'an empty answer' : cluster.errorId(fetched.errorCode))
    if (problem === 'OFFSET_OUT_OF_RANGE') return 'out of range'
    if (problem === 'TOPIC_AUTHORIZATION_FAILED') throw cluster.denied(`read the topic ${kafkaTopic}`, `Read on the topic ${kafkaTopic}`)
    if (problem !== undefined || fetched === undefined) {
      cluster.forget(kafkaTopic)
      throw away(`reading ${kafkaTopic}/${partition}: ${problem}`)
    }
    return fetched
  }
}

function behind({ kafkaTopic, partition }: KafkaPlace): MillraceError {
  return away(`${kafkaTopic}/${partition} goes on, and its leader gives nothing of it yet`)
}
