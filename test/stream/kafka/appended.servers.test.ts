import { Admin } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { isMillraceError } from '../../../src/errors.ts'
import { batch, spec } from '../../../src/testing/suite-data.ts'
import { Streams } from './streams.ts'

/** As retention does, at once. */
async function deleteBefore(streams: Streams, topic: string, offset: number): Promise<void> {
  const admin = new Admin({ clientId: 'operator', bootstrapBrokers: [streams.broker] })
  try {
    await admin.deleteRecords({ topics: [{ name: streams.prefix + topic, partitions: [{ partition: 0, offset: BigInt(offset) }] }] })
  } finally {
    await admin.close()
  }
}

describe('when a datum on Kafka was appended', () => {
  it('is told as a read tells it, for every offset, and for none at the end', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    await stream.ensure([spec('demand')])
    for (const data of [['a', 'b', 'c'], ['d'], ['e', 'f']]) await stream.append([batch('demand', 0, data)])
    for (let offset = 0; offset < 6; offset++) {
      const { appendedMs } = await stream.read('demand', 0, offset, 1)
      expect(appendedMs).toBeGreaterThan(0)
      expect(await stream.appendedMs('demand', 0, offset)).toBe(appendedMs)
    }
    expect(await stream.appendedMs('demand', 0, 6)).toBeUndefined()
    expect(await stream.appendedMs('demand', 0, 99)).toBeUndefined()
  })

  it('is told of the first that is left where retention has passed the offset, and of none where it has left none', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    await stream.ensure([spec('demand')])
    for (const text of ['a', 'b']) await stream.append([batch('demand', 0, [text])])
    const { appendedMs } = await stream.read('demand', 0, 1, 1)
    await deleteBefore(streams, 'demand', 1)
    expect(await stream.appendedMs('demand', 0, 0)).toBe(appendedMs)
    await deleteBefore(streams, 'demand', 2)
    expect(await stream.appendedMs('demand', 0, 0)).toBeUndefined()
  })

  it('is refused of a partition that there is not', async () => {
    await using streams = new Streams()
    const stream = await streams.open()
    await stream.ensure([spec('demand')])
    const refusal = await stream.appendedMs('demand', 1, 0).catch((error: unknown) => error)
    expect(isMillraceError(refusal, 'TOPIC_UNKNOWN'), String(refusal)).toBe(true)
  })
})
