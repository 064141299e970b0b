import { MillraceError } from '../../../errors.ts'
import type { Cluster } from './cluster.ts'
import type { PartitionQueue } from './partition-queue.ts'
import type { ProduceAnswer } from './wire/produce-call.ts'

const TOO_LARGE = new Set(['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'])
/** The broker has lost what it knew of the producer: it was idle for long, or its data expired. */
const FORGOTTEN = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
  'INVALID_PRODUCER_ID_MAPPING',
  'PRODUCER_FENCED',
])
const DENIED = new Set(['TOPIC_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'])
/** A new topic may take a moment until every broker knows it; one that was deleted never comes back. */
const MAX_MISSING = 50

/**
 * What a broker's answer means for the batch under way: stored, refused for good, or to be sent again as it is (it is then still under way).
 * @returns whether the producer has to begin anew under another name.
 */
export function settle(queue: PartitionQueue, answer: ProduceAnswer | undefined, cluster: Cluster): boolean {
  const { topic, partition, kafkaTopic, sending } = queue
  if (sending === undefined) return false
  const errorId = answer === undefined ? 'UNKNOWN_SERVER_ERROR' : cluster.errorId(answer.errorCode)
  if (answer !== undefined && errorId === undefined) {
    queue.succeed(answer.offset)
    return false
  }
  const { kafka } = cluster
  const id = errorId ?? 'UNKNOWN_SERVER_ERROR'
  const error = new MillraceError('STREAM_UNAVAILABLE', `Kafka answered ${id}${answer?.message === undefined ? '' : `: ${answer.message}`}`)
  if (TOO_LARGE.has(id)) {
    if (!queue.split()) queue.fail(tooLarge(queue, sending.records.length))
    return false
  }
  if (FORGOTTEN.has(id)) {
    queue.postpone(error)
    queue.renew()
    return true
  }
  if (id === 'DUPLICATE_SEQUENCE_NUMBER') {
    // It is stored, and where is not told any more.
    queue.postpone(error)
    queue.giveUp()
    return true
  }
  if (DENIED.has(id)) {
    queue.fail(cluster.denied(`append to ${kafkaTopic}`, `Write on the topic ${kafkaTopic}`))
    return false
  }
  if (id === 'UNKNOWN_TOPIC_OR_PARTITION' && ++sending.missing > MAX_MISSING) {
    queue.fail(
      new MillraceError('TOPIC_UNKNOWN', `There is no ${topic}/${partition} in Kafka any more (there it was called ${kafkaTopic}).`),
    )
    return false
  }
  if (kafka.protocolErrors[id]?.canRetry === true) {
    queue.postpone(error)
    return false
  }
  queue.fail(
    new MillraceError(
      'ENGINE_FAILED',
      `Kafka does not take a batch for ${topic}/${partition}: ${id}${answer?.message ? ` (${answer.message})` : ''}.`,
    ),
  )
  return false
}

function tooLarge({ topic, partition, kafkaTopic }: PartitionQueue, bytes: number): MillraceError {
  return new MillraceError('BODY_TOO_LARGE', `A batch of ${bytes} bytes for ${topic}/${partition} is more than the topic takes.`, {
    fix: `Send less at once, or raise the limit: kafka-configs --alter --entity-type topics --entity-name ${kafkaTopic} --add-config max.message.bytes=<bytes>.`,
  })
}
