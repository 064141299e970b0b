import { MillraceError } from '../../../errors.ts'
import type { Cluster } from './cluster.ts'
import type { Delivery } from './delivery.ts'
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
/** What brokers look at before they append: nothing of that attempt is stored. After any other error it may be. */
const TURNED_AWAY = new Set([
  ...TOO_LARGE,
  ...FORGOTTEN,
  ...DENIED,
  'UNKNOWN_TOPIC_OR_PARTITION',
  'INVALID_TOPIC_EXCEPTION',
  'INVALID_REQUIRED_ACKS',
  'INVALID_RECORD',
  'INVALID_TIMESTAMP',
  'CORRUPT_MESSAGE',
  'UNSUPPORTED_COMPRESSION_TYPE',
  'UNSUPPORTED_FOR_MESSAGE_FORMAT',
  'NOT_ENOUGH_REPLICAS',
])
/** A new topic may take a moment until every broker knows it; one that was deleted never comes back. */
const MAX_MISSING = 50

/**
 * What a broker's answer means for a batch: stored, refused for good, or to be sent again as it is (it is then still open).
 * @returns whether the producer has to begin anew under another name.
 */
export function settle(delivery: Delivery, answer: ProduceAnswer | undefined, cluster: Cluster): boolean {
  const { topic, partition, kafkaTopic } = delivery.queue
  const errorId = answer === undefined ? 'UNKNOWN_SERVER_ERROR' : cluster.errorId(answer.errorCode)
  if (answer !== undefined && errorId === undefined) {
    delivery.succeed(answer.offset)
    return false
  }
  const { kafka } = cluster
  const id = errorId ?? 'UNKNOWN_SERVER_ERROR'
  const error = new MillraceError('STREAM_UNAVAILABLE', `Kafka answered ${id}${answer?.message === undefined ? '' : `: ${answer.message}`}`)
  if (TURNED_AWAY.has(id)) delivery.turnedAway()
  if (TOO_LARGE.has(id)) return delivery.split() ? false : delivery.fail(tooLarge(delivery))
  if (FORGOTTEN.has(id)) {
    delivery.postpone(error)
    delivery.queue.renew()
    return true
  }
  if (id === 'DUPLICATE_SEQUENCE_NUMBER') {
    // It is stored, and where is not told any more.
    delivery.postpone(error)
    return delivery.giveUp()
  }
  if (DENIED.has(id)) return delivery.fail(cluster.denied(`append to ${kafkaTopic}`, `Write on the topic ${kafkaTopic}`))
  if (id === 'UNKNOWN_TOPIC_OR_PARTITION' && delivery.countMissing() > MAX_MISSING) {
    return delivery.fail(
      new MillraceError('TOPIC_UNKNOWN', `There is no ${topic}/${partition} in Kafka any more (there it was called ${kafkaTopic}).`),
    )
  }
  if (kafka.protocolErrors[id]?.canRetry === true) {
    delivery.postpone(error)
    return false
  }
  return delivery.fail(
    new MillraceError(
      'ENGINE_FAILED',
      `Kafka does not take a batch for ${topic}/${partition}: ${id}${answer?.message ? ` (${answer.message})` : ''}.`,
    ),
  )
}

function tooLarge({ queue, byteLength }: Delivery): MillraceError {
  const { topic, partition, kafkaTopic } = queue
  return new MillraceError('BODY_TOO_LARGE', `A batch of ${byteLength} bytes for ${topic}/${partition} is more than the topic takes.`, {
    fix: `Send less at once, or raise the limit: kafka-configs --alter --entity-type topics --entity-name ${kafkaTopic} --add-config max.message.bytes=<bytes>.`,
  })
}
