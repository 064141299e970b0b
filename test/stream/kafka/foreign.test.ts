import { crc32c } from '@platformatic/kafka'
import { describe, expect, it } from 'vitest'
import { mint, parseId } from '../../../src/envelope/data-id.ts'
import { FrameWriter } from '../../../src/envelope/frame.ts'
import { APPENDED_MS, batchOf, dataIn, foreignBatch, logOf, message, readerOf, readLog } from './records.ts'

const ID = '01941f29-7c00-8a5e-8c3b-0123456789ab'
const ENVELOPE = 'application/vnd.millrace.envelope+json'
const envelopeOf = (fields: object) =>
  JSON.stringify({ data_id: ID, source: 'python', created: '2017-01-01T00:00:00Z', data: 'eyJhIjoxfQ==', ...fields })

function own(text: string): Buffer {
  const writer = new FrameWriter()
  const [id, source, parents] = [parseId(mint(0)), Buffer.from('suite'), Buffer.alloc(0)]
  writer.add({ id, idAt: 0, supplied: false, source, createdMs: 0, contentType: 'text/plain', type: '', key: '', parents, data: text })
  return Buffer.from(writer.take().frames)
}

/** What one record of another client is read as. */
function readOne(...arguments_: Parameters<typeof message>) {
  return dataIn(readLog([foreignBatch([message(...arguments_)], 41)], 41))[0]!
}

describe('a record without an envelope', () => {
  it('is wrapped: its value the data, its key the key, its time the time', () => {
    const read = readOne('{"station":"north"}', { key: Buffer.from('north') })
    expect(read).toMatchObject({
      offset: 41,
      source: 'kafka',
      createdMs: APPENDED_MS,
      key: 'north',
      contentType: 'application/json',
      type: '',
      text: '{"station":"north"}',
    })
  })

  it('gets an id of its place and time, the same from every reader and another at every offset', () => {
    const batches = [foreignBatch([message('1'), message('2')], 41)]
    const [one, other] = [dataIn(readLog(batches, 41)), dataIn(readLog(batches, 41))]
    expect(one.map(datum => datum.id)).toEqual(other.map(datum => datum.id))
    expect(new Set(one.map(datum => datum.id)).size).toBe(2)
    expect(one[0]!.id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8/)
    expect(Number.parseInt(one[0]!.id.replaceAll('-', '').slice(0, 12), 16)).toBe(APPENDED_MS)
  })

  it('is bytes where it is not JSON, and what its content type says where it has one', () => {
    expect(readOne('north,12').contentType).toBe('application/octet-stream')
    expect(readOne(Buffer.from([0xff, 0x00])).contentType).toBe('application/octet-stream')
    expect(readOne('north,12', { headers: { 'content-type': 'text/csv' } }).contentType).toBe('text/csv')
    expect(readOne('{}', { headers: { 'content-type': 'not a media type' } }).contentType).toBe('application/octet-stream')
  })

  it('is what its headers say, where it has some', () => {
    const headers = { data_id: ID, source: 'python', created: '2017-01-01T01:00:00+01:00', type: 'sentiment' }
    expect(readOne('{}', { headers })).toMatchObject({ id: ID, source: 'python', createdMs: 1_483_228_800_000, type: 'sentiment' })
  })

  it('is an empty datum where it is a tombstone', () => {
    expect(readOne(null, { key: Buffer.from('north') })).toMatchObject({ isVoid: false, text: '', key: 'north' })
  })

  it('keeps a key that is not UTF-8 apart from others', () => {
    const keys = [Buffer.from([0xff]), Buffer.from([0xfe]), Buffer.alloc(70_000, 1), Buffer.alloc(70_000, 2)].map(
      key => readOne('{}', { key }).key,
    )
    expect(new Set(keys).size).toBe(4)
  })
})

describe('an envelope of another client', () => {
  it('is taken for one by its header, in any order of fields', () => {
    const value = JSON.stringify({ type: 'demand', data: 'eyJhIjoxfQ==', created: '2017-01-01T00:00:00Z', source: 'python', data_id: ID })
    expect(readOne(value, { headers: { 'content-type': ENVELOPE } })).toMatchObject({ id: ID, source: 'python', type: '', text: '{"a":1}' })
  })

  it('is taken for one without headers, and may leave out what the record says', () => {
    expect(readOne(envelopeOf({}))).toMatchObject({ id: ID, source: 'python', createdMs: 1_483_228_800_000, text: '{"a":1}' })
    expect(readOne(JSON.stringify({ data_id: ID, data: 'eyJhIjoxfQ==' }))).toMatchObject({
      id: ID,
      source: 'kafka',
      createdMs: APPENDED_MS,
    })
  })

  it('counts for less than its headers', () => {
    const headers = { 'content-type': ENVELOPE, source: 'relay' }
    expect(readOne(envelopeOf({}), { headers })).toMatchObject({ id: ID, source: 'relay' })
  })

  it('that cannot be read is passed on as bytes, and the data after it are read', () => {
    const headers = { 'content-type': ENVELOPE, data_id: ID, source: 'python', type: 'demand', created: '2017-01-01T00:00:00.000Z' }
    const broken = [
      'not json',
      envelopeOf({ data: '***' }),
      envelopeOf({ data: 'eyJhI"oxfQ==' }).replace('\\"', '"'),
      '{"data_id":"x"}',
      '',
    ]
    const records = [...broken, envelopeOf({})].map(value => message(value, { headers }))
    const read = dataIn(readLog([foreignBatch(records)]))
    expect(read.map(datum => datum.text)).toEqual([...broken, '{"a":1}'])
    expect(read.map(datum => datum.contentType)).toEqual([...broken.map(() => 'application/octet-stream'), 'application/json'])
  })

  it('with a payload cut off by a quote is not read as a shorter one', () => {
    const whole = envelopeOf({ type: 'demand' })
    const headers = { 'content-type': ENVELOPE, data_id: ID, source: 'python', type: 'demand', created: '2017-01-01T00:00:00.000Z' }
    const doubled = whole.replace('"data":"eyJhIjoxfQ=="', '"data":"eyJhIjoxfQ==","data":"eyJhIjoyfQ=="')
    const read = dataIn(readLog([foreignBatch([message(whole, { headers }), message(doubled, { headers })])]))
    // Two of one name: the last counts, as in any JSON.
    expect(read.map(datum => datum.text)).toEqual(['{"a":1}', '{"a":2}'])
  })
})

describe('positions that hold no datum', () => {
  const CONTROL = 0x20
  const TRANSACTIONAL = 0x10

  it('are void frames: what compaction took, between batches and at their ends', () => {
    const [one, other] = [batchOf(own('one'), 'json', 'none', 2), batchOf(own('other'), 'json', 'none', 5)]
    const read = dataIn(readLog([one, other]))
    expect(read.map(datum => (datum.isVoid ? 'void' : datum.text))).toEqual(['void', 'void', 'one', 'void', 'void', 'other'])
  })

  it('are given in pieces of about as much as is asked for', () => {
    const log = readerOf().open(logOf([batchOf(own('far'), 'json', 'none', 1_000_000)]), 0)
    let [count, pieces] = [0, 0]
    for (let batch = log.take(100_000); batch.count > 0; batch = log.take(100_000)) {
      expect(batch.first).toBe(count)
      expect(batch.frames.length).toBeLessThan(200_000)
      count += batch.count
      pieces++
    }
    expect(count).toBe(1_000_001)
    expect(pieces).toBeGreaterThan(100)
  })

  it('are a transaction’s marker, and what the transaction wrote where it was taken back', () => {
    const transactional = (batch: Buffer, producer: bigint, control = false) =>
      withAttributes(batch, TRANSACTIONAL | (control ? CONTROL : 0), producer)
    const marker = (first: number, producer: bigint) =>
      transactional(foreignBatch([message('', { key: Buffer.alloc(4) })], first), producer, true)
    const log = [
      transactional(foreignBatch([message('"aborted"')], 0), 1n),
      transactional(foreignBatch([message('"kept"')], 1), 2n),
      marker(2, 1n),
      marker(3, 2n),
      transactional(foreignBatch([message('"later"')], 4), 1n),
      marker(5, 1n),
    ]
    const read = dataIn(readLog(log, 0, 1e8, [{ producer: 1n, first: 0 }]))
    expect(read.map(datum => (datum.isVoid ? 'void' : datum.text))).toEqual(['void', '"kept"', 'void', 'void', '"later"', 'void'])
  })
})

describe('a damaged log', () => {
  it('is told of with topic, partition and offset, and what was read before it is not lost', () => {
    const [good, bad] = [batchOf(own('good'), 'json', 'zstd', 0), batchOf(own('bad'), 'json', 'zstd', 1)]
    bad[bad.length - 3]! ^= 1
    const log = readerOf().open(logOf([good, bad]), 0)
    expect(dataIn(log.take(1)).map(datum => datum.text)).toEqual(['good'])
    expect(() => log.take(1)).toThrow(
      expect.objectContaining({ code: 'LOG_CORRUPT', message: expect.stringMatching(/demand\/0 at offset 1 .*checksum/) }),
    )
    expect(dataIn(readLog([good])).map(datum => datum.text)).toEqual(['good'])
  })

  it('ends where a fetch has cut a batch off', () => {
    const [whole, cut] = [batchOf(own('whole'), 'json', 'zstd', 0), batchOf(own('cut'), 'json', 'zstd', 1)]
    const log = readerOf().open(logOf([whole, cut.subarray(0, -1)]), 0)
    expect(dataIn(log.take(1e6)).map(datum => datum.text)).toEqual(['whole'])
    expect(log.more).toBe(false)
    expect(log.take(1e6).count).toBe(0)
  })
})

/** A batch with other attributes and another producer, its checksum put right. */
function withAttributes(batch: Buffer, attributes: number, producer: bigint): Buffer {
  batch.writeInt16BE(attributes, 21)
  batch.writeBigInt64BE(producer, 43)
  batch.writeUInt32BE(crc32c(batch.subarray(21)) >>> 0, 17)
  return batch
}
