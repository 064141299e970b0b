import type { Connection, KafkaClient } from '../client.ts'
import { answered } from './answered.ts'

/** One record batch for one partition. */
export interface Produced {
  readonly kafkaTopic: string
  readonly partition: number
  readonly batch: Buffer
}

export interface ProduceAnswer {
  readonly kafkaTopic: string
  readonly partition: number
  readonly errorCode: number
  /** What the broker says to the error. */
  readonly message: string | undefined
  /** Of the batch's first record. */
  readonly offset: number
}

export type ProduceCall = (connection: Connection, batches: readonly Produced[], timeoutMs: number) => Promise<ProduceAnswer[]>

const PRODUCE_KEY = 0
const VERSION = 9
const ACKS_ALL = -1

/** Produce, version 9, with record batches that are made already: the client would make each record of several objects. */
export function produceCall(kafka: KafkaClient): ProduceCall {
  const request = (batches: readonly Produced[], timeoutMs: number) =>
    kafka.Writer.create()
      .appendString(null)
      .appendInt16(ACKS_ALL)
      .appendInt32(timeoutMs)
      .appendArray([...Map.groupBy(batches, batch => batch.kafkaTopic)], (w, [kafkaTopic, produced]) => {
        w.appendString(kafkaTopic).appendArray(produced, (inner, { partition, batch }) => {
          inner
            .appendInt32(partition)
            .appendUnsignedVarInt(batch.length + 1)
            .append(batch)
        })
      })
      .appendTaggedFields()
  const api = kafka.createAPI<[readonly Produced[], number], ReturnType<typeof kafka.produceV9.parseResponse>>(
    PRODUCE_KEY,
    VERSION,
    request,
    kafka.produceV9.parseResponse,
  )
  return async (connection, batches, timeoutMs) => {
    const { responses } = await answered(api.async(connection, batches, timeoutMs))
    return responses.flatMap(({ name, partitionResponses }) =>
      partitionResponses.map(({ index, errorCode, errorMessage, recordErrors, baseOffset }) => ({
        kafkaTopic: name,
        partition: index,
        errorCode,
        message: errorMessage ?? recordErrors[0]?.batchIndexErrorMessage ?? undefined,
        offset: Number(baseOffset),
      })),
    )
  }
}
