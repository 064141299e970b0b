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
  if (TOO_LARGE.has(id)) {
    if (!delivery.split()) delivery.fail(tooLarge(delivery))
    return false
  }
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
  if (DENIED.has(id)) {
    delivery.fail(cluster.denied(`append to ${kafkaTopic}`, `Write on the topic ${kafkaTopic}`))
    return false
  }
  if (id === 'UNKNOWN_TOPIC_OR_PARTITION' && delivery.countMissing() > MAX_MISSING) {
    delivery.fail(
      new MillraceError('TOPIC_UNKNOWN', `There is no ${topic}/${partition} in Kafka any more (there it was called ${kafkaTopic}).`),
    )
    return false
  }
  if (kafka.protocolErrors[id]?.canRetry === true) {
    delivery.postpone(error)
    return false
  }
  delivery.fail(
    new MillraceError(
      'ENGINE_FAILED',
      `Kafka does not take a batch for ${topic}/${partition}: ${id}${answer?.message ? ` (${answer.message})` : ''}.`,
    ),
  )
  return false
}

function tooLarge({ queue, byteLength }: Delivery): MillraceError {
  const { topic, partition, kafkaTopic } = queue
  return new MillraceError('BODY_TOO_LARGE', `A batch of ${byteLength} bytes for ${topic}/${partition} is more than the topic takes.`, {
    fix: `Send less at once, or raise the limit: kafka-configs --alter --entity-type topics --entity-name ${kafkaTopic} --add-config max.message.bytes=<bytes>.`,
  })
}
