import { Admin, Consumer, MessagesStreamModes, Producer } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { jsonCodec } from '../../../src/envelope/codecs/json.ts'
import { mint, parseId } from '../../../src/envelope/data-id.ts'
import { FrameWriter } from '../../../src/envelope/frame.ts'
import { isMillraceError } from '../../../src/errors.ts'
import type { AppendBatch } from '../../../src/stream/stream.ts'
import { readAll, spec } from '../../../src/testing/suite-data.ts'
import { dataIn } from './records.ts'
import { commitRaw, leaseOf, Streams } from './streams.ts'

const ID = mint(1_483_228_800_000)
const GROUP = { name: 'forecast@2', edition: 2 }

function one(topic: string, type = ''): AppendBatch {
  const writer = new FrameWriter()
  writer.add({
    id: parseId(ID),
    idAt: 0,
    supplied: true,
    source: Buffer.from('generator-10'),
    createdMs: 1_483_228_800_000,
    contentType: 'application/json',
    type,
    key: 'north',
    parents: new Uint8Array(0),
    data: '{"station":"north"}',
  })
  return { topic, partition: 0, ...writer.take() }
}

/** The first record of a topic as any client of Kafka sees it. */
async function firstRecord(broker: string, topic: string) {
  const consumer = new Consumer({ clientId: 'other', groupId: `other-${mint(0)}`, bootstrapBrokers: [broker] })
  try {
    const stream = await consumer.consume({ topics: [topic], mode: MessagesStreamModes.EARLIEST, autocommit: false })
    for await (const { key, value, headers } of stream) {
      const text = [...headers].map(([name, of]) => [name.toString(), of.toString()])
      return { key: key?.toString(), value, headers: Object.fromEntries(text) }
    }
    throw new Error(`${topic} has no record.`)
  } finally {
    await consumer.close(true)
  }
}

describe('another client of the cluster', () => {
  it('sees each datum as one record: key, headers as text, the envelope as the value', async () => {
    await using streams = new Streams()
    for (const codec of ['json', 'msgpack', 'bson'] as const) {
      const stream = await streams.open({ codec })
      await stream.ensure([spec(codec)])
      await stream.append([one(codec)])
      const record = await firstRecord(streams.broker, streams.prefix + codec)
      expect(record.key).toBe('north')
      expect(record.headers).toEqual({
        data_id: ID,
        created: '2017-01-01T00:00:00.000Z',
        source: 'generator-10',
        type: codec,
        'content-type': `application/vnd.millrace.envelope+${codec}`,
        supplied: 'true',
      })
      if (codec === 'json') {
        expect(jsonCodec.decode(record.value)).toMatchObject({ dataId: ID, source: 'generator-10', type: codec })
        expect(Buffer.from(jsonCodec.decode(record.value).data).toString()).toBe('{"station":"north"}')
      }
    }
  })

  it('sees of what is replayed which topic it was first written to', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    await stream.ensure([spec('_replay.mood@2')])
    await stream.append([one('_replay.mood@2', 'feedback')])
    const record = await firstRecord(streams.broker, `${streams.prefix}millrace.grid.replay.mood.2`)
    expect(record.headers.type).toBe('feedback')
    expect(dataIn(await stream.read('_replay.mood@2', 0, 0, 1e6))[0]?.type).toBe('feedback')
  })

  it('may write plain records, and every reader gives them the same ids', async () => {
    await using streams = new Streams()
    const [stream, again] = [await streams.open(), await streams.open()]
    await stream.ensure([spec('demand')])
    const producer = new Producer({ clientId: 'other', bootstrapBrokers: [streams.broker] })
    const topic = `${streams.prefix}demand`
    await producer.send({ messages: [{ topic, partition: 0, key: Buffer.from('north'), value: Buffer.from('{"station":"north"}') }] })
    await producer.close()
    const [read, other] = [dataIn(await stream.read('demand', 0, 0, 1e6)), dataIn(await again.read('demand', 0, 0, 1e6))]
    expect(read).toEqual(other)
    expect(read).toMatchObject([{ key: 'north', source: 'kafka', contentType: 'application/json', text: '{"station":"north"}' }])
  })

  it('may write in transactions: their markers and what was taken back are void, and the next datum is where it is', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    await stream.ensure([spec('demand')])
    const topic = `${streams.prefix}demand`
    const producer = new Producer({
      clientId: 'other',
      bootstrapBrokers: [streams.broker],
      idempotent: true,
      transactionalId: streams.prefix,
    })
    for (const [text, end] of [
      ['"kept"', 'commit'],
      ['"taken back"', 'abort'],
    ] as const) {
      const transaction = await producer.beginTransaction()
      await transaction.send({ messages: [{ topic, partition: 0, value: Buffer.from(text) }] })
      await transaction[end]()
    }
    await producer.close()
    // A broker may write the marker after it has answered.
    await expect.poll(async () => (await stream.bounds('demand'))[0]?.next).toBe(4)
    const [appended] = await stream.append([one('demand')])
    expect(appended?.first).toBe(4)
    const { lease, close } = await leaseOf(stream, GROUP, ['demand'], 1)
    const read = await lease.fetch({ topic: 'demand', partition: 0 }, 0, 1e6)
    expect(dataIn(read!).map(datum => (datum.isVoid ? 'void' : datum.text))).toEqual([
      '"kept"',
      'void',
      'void',
      'void',
      '{"station":"north"}',
    ])
    await close()
  })
})

describe('an operator', () => {
  it('may set a group’s offset, earlier or later: counting begins there, under the edition that it had', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    await stream.ensure([spec('demand', 2)])
    for (let i = 0; i < 5; i++) await stream.append([one('demand')])
    const first = await leaseOf(stream, GROUP, ['demand'], 2)
    const place = first.lease.partitions.find(assigned => assigned.partition === 0)!
    await first.lease.commit([{ ...place, from: 0, checkpoint: { ...place.checkpoint, offset: 4, done: 4 } }])
    await first.close()
    await commitRaw(streams, GROUP.name, 0, 2)
    const again = await leaseOf(stream, { ...GROUP, edition: 9 }, ['demand'], 2)
    const reset = again.lease.partitions.find(assigned => assigned.partition === 0)!
    expect(reset.checkpoint).toEqual({ offset: 2, first: 2, done: 0, dead: 0, duplicate: 0, lost: 0, edition: 2, foldFrom: 0 })
    await again.lease.commit([{ ...reset, from: 2, checkpoint: { ...reset.checkpoint, offset: 3, done: 1 } }])
    await again.close()
    expect((await stream.places()).find(one => one.partition === 0)?.checkpoint).toMatchObject({ offset: 3, first: 2, done: 1, edition: 2 })
  })

  it('who makes a topic anew is told that the group’s offset is of another', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    await stream.ensure([spec('demand')])
    const of = '{"topic_id":"f47ac10b-58cc-4372-a567-0e02b2c3d479","first":0,"done":3,"dead":0,"duplicate":0,"lost":0,"edition":2}'
    await commitRaw(streams, GROUP.name, 0, 3, of)
    const refusal = await leaseOf(stream, GROUP, ['demand'], 1).catch((error: unknown) => error)
    expect(isMillraceError(refusal, 'TOPIC_MISMATCH'), String(refusal)).toBe(true)
    expect(String(refusal)).toMatch(/forecast@2 stands at offset 3 of a topic demand that was deleted since/)
    await commitRaw(streams, GROUP.name, 0, 0)
    const { lease, close } = await leaseOf(stream, GROUP, ['demand'], 1)
    expect(lease.partitions[0]?.checkpoint.offset).toBe(0)
    await close()
  })

  it('who deletes a topic under its reader has the reader say so', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    await stream.ensure([spec('demand')])
    const { lease, close } = await leaseOf(stream, GROUP, ['demand'], 1)
    const fetching = lease.fetch({ topic: 'demand', partition: 0 }, 0, 1e6).catch((error: unknown) => error)
    const admin = new Admin({ clientId: 'operator', bootstrapBrokers: [streams.broker] })
    await admin.deleteTopics({ topics: [`${streams.prefix}demand`] })
    await admin.close()
    expect(isMillraceError(await fetching, 'TOPIC_UNKNOWN'), String(await fetching)).toBe(true)
    expect(await stream.topics()).toEqual([])
    await expect(readAll(stream, 'demand', 0)).rejects.toThrow(/no topic demand/)
    await close()
  })
})
