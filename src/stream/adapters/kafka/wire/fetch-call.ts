import type { Connection, KafkaClient } from '../client.ts'

/** One partition's part of a fetch's answer. */
export interface FetchedPartition {
  readonly topicId: string
  readonly partition: number
  readonly errorCode: number
  /** Transactions that were taken back: of each producer, from that offset to its marker. */
  readonly aborted: readonly { readonly producer: bigint; readonly first: number }[]
  /** Whole record batches as they lie in the log, the last one cut off perhaps. */
  readonly records: Buffer
}

export interface FetchAnswer {
  readonly errorCode: number
  readonly partitions: readonly FetchedPartition[]
}

export interface FetchAsked {
  readonly topicId: string
  readonly partition: number
  readonly from: number
  readonly maxBytes: number
}

export type FetchCall = (connection: Connection, asked: readonly FetchAsked[], maxWaitMs: number, maxBytes: number) => Promise<FetchAnswer>

type Reader = InstanceType<KafkaClient['Reader']>

const FETCH_KEY = 1
const VERSION = 13
const READ_COMMITTED = 1
const NO_SESSION = { id: 0, epoch: -1 }
const NONE = Buffer.alloc(0)

/**
 * Fetch, version 13. The request is the client's own; the answer is left as the bytes of the log, which `log-reader.ts` walks: the
 * client makes an object of every record, and does not look at checksums.
 */
export function fetchCall(kafka: KafkaClient): FetchCall {
  const api = kafka.createAPI<Parameters<typeof kafka.fetchV13.createRequest>, FetchAnswer>(
    FETCH_KEY,
    VERSION,
    kafka.fetchV13.createRequest,
    (_correlation, _key, _version, reader) => readAnswer(reader),
  )
  return (connection, asked, maxWaitMs, maxBytes) => {
    const topics = Map.groupBy(asked, place => place.topicId)
    const request = [...topics].map(([topicId, places]) => ({
      topicId,
      partitions: places.map(place => ({
        partition: place.partition,
        currentLeaderEpoch: -1,
        fetchOffset: BigInt(place.from),
        lastFetchedEpoch: -1,
        partitionMaxBytes: place.maxBytes,
      })),
    }))
    // Without a session: brokers keep few of them, and one that was dropped fails the fetch after it.
    return api.async(connection, maxWaitMs, 1, maxBytes, READ_COMMITTED, NO_SESSION.id, NO_SESSION.epoch, request, [], '')
  }
}

function readAnswer(reader: Reader): FetchAnswer {
  reader.readInt32() // how long the broker held the answer back by a quota
  const errorCode = reader.readInt16()
  reader.readInt32() // session
  const partitions: FetchedPartition[] = []
  reader.readArray(r => {
    const topicId = r.readUUID()
    r.readArray(() => partitions.push(readPartition(r, topicId)))
  })
  return { errorCode, partitions }
}

function readPartition(r: Reader, topicId: string): FetchedPartition {
  const partition = r.readInt32()
  const errorCode = r.readInt16()
  r.readInt64() // high watermark
  r.readInt64() // last stable offset: only what lies below it is given
  r.readInt64() // first offset retained: −1 beside an error
  const aborted = r.readNullableArray(() => ({ producer: r.readInt64(), first: Number(r.readInt64()) })) ?? []
  r.readInt32() // a replica that would rather be asked
  const length = r.readUnsignedVarInt() - 1
  const records = length <= 0 ? NONE : r.buffer.slice(r.position, r.position + length)
  if (length > 0) r.skip(length)
  return { topicId, partition, errorCode, aborted, records }
}
