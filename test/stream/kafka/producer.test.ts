import { describe, expect, it } from 'vitest'
import { isMillraceError } from '../../../src/errors.ts'
import { Names } from '../../../src/stream/adapters/kafka/names.ts'
import { Producer } from '../../../src/stream/adapters/kafka/producer.ts'
import { AT } from '../../../src/stream/adapters/kafka/wire/batch.ts'
import type { ProduceCall } from '../../../src/stream/adapters/kafka/wire/produce-call.ts'
import type { Appended } from '../../../src/stream/stream.ts'
import { batch } from '../../../src/testing/suite-data.ts'
import { errorCode } from './protocol-error.ts'
import { ScriptedCluster } from './scripted-cluster.ts'

const UNANSWERED = 'unanswered'
/** What becomes of one attempt: an error of the protocol's by name, stored or not; no answer; or it is stored and answered. */
type Fate = { readonly error?: string; readonly stored?: boolean }

/** A broker with one partition that judges copies as Kafka does: by producer, sequence number and count of a producer's last batches. */
class Broker {
  attempts = 0
  readonly #fates: Fate[]
  readonly #stored = new Map<string, number>()
  #next = 0

  constructor(fates: Fate[]) {
    this.#fates = fates
  }

  readonly produce: ProduceCall = async (_connection, batches) => {
    this.attempts++
    const { error, stored = error === undefined } = this.#fates.shift() ?? {}
    const answers = batches.map(({ kafkaTopic, partition, batch: bytes }) => {
      const offset = stored ? this.#store(bytes) : -1
      return {
        kafkaTopic,
        partition,
        errorCode: error === undefined ? 0 : error === UNANSWERED ? 0 : errorCode(error),
        message: undefined,
        offset,
      }
    })
    if (error === UNANSWERED) throw new Error('the connection was cut')
    return answers
  }

  #store(bytes: Buffer): number {
    const count = bytes.readInt32BE(AT.count)
    const key = `${bytes.readBigInt64BE(AT.producer)}/${bytes.readInt32BE(AT.sequence)}/${count}`
    const copy = this.#stored.get(key)
    if (copy !== undefined) return copy
    const first = this.#next
    this.#stored.set(key, first)
    this.#next += count
    return first
  }

  get next(): number {
    return this.#next
  }
}

/** A producer over a broker whose first attempts meet these fates; names are given to producers as they are asked for. */
function over(...fates: Fate[]) {
  const broker = new Broker(fates)
  let producers = 0n
  const cluster = new ScriptedCluster({
    initProducerIdV4: async () => ({ throttleTimeMs: 0, errorCode: 0, producerId: ++producers, producerEpoch: 0 }),
  })
  cluster.add('demand')
  const producer = new Producer(cluster, new Names('', 'grid'), broker.produce)
  const append = async (text: string): Promise<Appended | string> => {
    try {
      return (await producer.append([batch('demand', 0, [text])]))[0]!
    } catch (error) {
      return isMillraceError(error) ? error.code : String(error)
    }
  }
  return { append, broker, close: () => Promise.all([producer.close(), cluster.close()]), producers: () => Number(producers) }
}

describe('a batch that ends with an error', () => {
  it.each([
    ['stored, and the broker failed after that', [{ error: 'UNKNOWN_SERVER_ERROR', stored: true }]],
    ['stored, and the connection broke for good', [{ error: UNANSWERED, stored: true }]],
    [
      'stored at first, and refused when it was sent again',
      [{ error: 'REQUEST_TIMED_OUT', stored: true }, { error: 'TOPIC_AUTHORIZATION_FAILED' }],
    ],
    [
      'stored at first, and too large when it was sent again',
      [{ error: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', stored: true }, { error: 'MESSAGE_TOO_LARGE' }],
    ],
  ])('is of unknown fate where it was %s, and the next one is stored and not taken for it', async (_what, fates) => {
    const { append, broker, close } = over(...fates)
    expect(await append('a')).toBe('APPEND_UNKNOWN')
    expect(broker.next).toBe(1)
    expect(await append('b')).toMatchObject({ first: 1, count: 1 })
    expect(broker.next).toBe(2)
    await close()
  })

  it.each([
    ['TOPIC_AUTHORIZATION_FAILED', 'STREAM_DENIED'],
    ['MESSAGE_TOO_LARGE', 'BODY_TOO_LARGE'],
    ['INVALID_TIMESTAMP', 'ENGINE_FAILED'],
  ])('is refused where the broker stored nothing, and the sequence goes on: %s', async (error, code) => {
    const { append, broker, close, producers } = over({}, { error }, {})
    expect(await append('a')).toMatchObject({ first: 0 })
    expect(await append('b')).toBe(code)
    expect(await append('c')).toMatchObject({ first: 1 })
    expect(broker.next).toBe(2)
    expect(producers()).toBe(1)
    await close()
  })

  it('for a moment is sent again and stored once', async () => {
    const { append, broker, close } = over({ error: 'REQUEST_TIMED_OUT', stored: true })
    expect(await append('a')).toMatchObject({ first: 0 })
    expect(await append('b')).toMatchObject({ first: 1 })
    expect(broker.attempts).toBe(3)
    await close()
  })
})
