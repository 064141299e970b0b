import { away, type Cluster } from './cluster.ts'
import { answered } from './wire/answered.ts'

export interface KafkaPlace {
  readonly kafkaTopic: string
  readonly partition: number
}

/** The first offset retained; the next that will be given, below which no transaction is open; the first at or after a time. */
export type LogPoint = 'first' | 'next' | { readonly timeMs: number }

const CONSUMER = -1
const READ_COMMITTED = 1
const EARLIEST = -2n
const LATEST = -1n

/**
 * Offsets of places in their logs, in the order asked. A time after the last datum gives the next offset.
 * @throws a transient error where a leader has moved; call it within `patiently`.
 */
export async function logOffsets(cluster: Cluster, places: readonly KafkaPlace[], point: LogPoint): Promise<number[]> {
  const found = await askLeaders(
    cluster,
    places,
    typeof point === 'object' ? BigInt(Math.ceil(point.timeMs)) : point === 'first' ? EARLIEST : LATEST,
  )
  const missing = places.filter((_, index) => found[index]! < 0)
  if (missing.length === 0 || typeof point !== 'object') return found
  const ends = await askLeaders(cluster, missing, LATEST)
  return found.map((offset, index) => (offset < 0 ? ends[missing.indexOf(places[index]!)]! : offset))
}

async function askLeaders(cluster: Cluster, places: readonly KafkaPlace[], timestamp: bigint): Promise<number[]> {
  const leaders = await Promise.all(places.map(place => leaderOf(cluster, place)))
  const offsets = new Map<string, number>()
  const byLeader = Map.groupBy(
    places.map((place, index) => ({ ...place, leader: leaders[index]! })),
    place => place.leader,
  )
  await Promise.all(
    [...byLeader].map(async ([leader, led]) => {
      const topics = [...Map.groupBy(led, place => place.kafkaTopic)].map(([name, own]) => ({
        name,
        partitions: own.map(({ partition }) => ({ partitionIndex: partition, currentLeaderEpoch: -1, timestamp })),
      }))
      const connection = await cluster.connect(leader)
      const answer = await answered(cluster.kafka.listOffsetsV7.api.async(connection, CONSUMER, READ_COMMITTED, topics))
      for (const { name, partitions } of answer.topics) {
        for (const { partitionIndex, errorCode, offset } of partitions) {
          judge(cluster, name, partitionIndex, errorCode)
          offsets.set(`${name}/${partitionIndex}`, Number(offset))
        }
      }
    }),
  )
  return places.map(({ kafkaTopic, partition }) => offsets.get(`${kafkaTopic}/${partition}`) ?? -1)
}

/** @throws a transient error while the partition has no leader. */
export async function leaderOf(cluster: Cluster, { kafkaTopic, partition }: KafkaPlace): Promise<number> {
  const leader = (await cluster.topic(kafkaTopic))?.partitions[partition]?.leader ?? -1
  if (leader < 0) throw away(`${kafkaTopic}/${partition} has no leader`)
  return leader
}

function judge(cluster: Cluster, kafkaTopic: string, partition: number, errorCode: number): void {
  const problem = cluster.errorId(errorCode)
  if (problem === undefined) return
  if (problem === 'TOPIC_AUTHORIZATION_FAILED')
    throw cluster.denied(`look up offsets of ${kafkaTopic}`, `Describe on the topic ${kafkaTopic}`)
  // Whoever led it does not any more, perhaps: it is looked up anew.
  cluster.forget(kafkaTopic)
  throw away(`offsets of ${kafkaTopic}/${partition}: ${problem}`)
}
