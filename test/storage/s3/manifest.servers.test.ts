import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { files } from '../../../src/storage/adapters/files/index.ts'
import type { S3Options } from '../../../src/storage/adapters/s3/index.ts'
import type { FormatOptions } from '../../../src/storage/formats/options.ts'
import type { RollingStore } from '../../../src/storage/storage.ts'
import { batchesOf, type Given, HOUR_MS, idOf, NOON_MS, never, rollOf, stream } from '../batches.ts'
import { bytesIn, temporaryFolder } from '../lake.ts'
import { testBucket } from './buckets.ts'
import { download } from './download.ts'

const COUNT = 400
/** Some late, some with keys that need care, some of several kinds. */
const of = (i: number): Given => ({
  key: ['north', 'South/7', 'ä', ''][i % 4]!,
  createdMs: NOON_MS - (i % 3) * HOUR_MS,
  data: { station: `s${i}`, megawatts: i % 7 === 0 ? null : i / 2, note: 'x'.repeat(i % 50) },
})

async function write(store: RollingStore): Promise<void> {
  const writer = await store.open(systemClock)
  await writer.write(rollOf(0, COUNT), stream(batchesOf(COUNT, of)), never())
  await writer.close()
}

const formats: FormatOptions[] = [
  {},
  { key: true, compression: 'gzip' },
  { record: 'plain', compression: 'none', interval: '1d' },
  { format: 'parquet', key: true },
  { format: 'parquet', compression: 'snappy', record: 'plain' },
]

describe('objects', () => {
  it.each(formats)('are the files that a folder would hold, key for path and byte for byte: %j', async format => {
    const [bucket, folder] = [await testBucket(), await temporaryFolder()]
    await write(bucket.store({ prefix: 'raw/lake', ...format }))
    await write(files(folder, format))
    const found = new Map<string, string>()
    for (const key of await bucket.dataKeys()) {
      expect(key).toMatch(/^raw\/lake\/readings\//)
      found.set(key.slice('raw/lake/'.length), (await bucket.bytes(key)).toString('base64'))
    }
    expect(found).toEqual(bytesIn(folder))
  })

  it.each(formats)('and manifests are the same bytes from every writer: %j', async format => {
    const [one, other] = [await testBucket(), await testBucket()]
    await write(one.store(format))
    await write(other.store(format))
    const keys = await one.keys()
    expect(await other.keys()).toEqual(keys)
    expect(keys).toContain('_manifests/readings/01234567-0-0000000000000000.json')
    for (const key of keys) expect((await other.bytes(key)).equals(await one.bytes(key)), key).toBe(true)
  })
})

describe('a manifest', () => {
  it.each(formats)('says of each object which data are in it: %j', async format => {
    const bucket = await testBucket()
    await write(bucket.store({ prefix: 'lake', ...format }))
    await using copy = await download(bucket)
    const { objects, ...roll } = copy.manifests[0]!
    expect(roll).toEqual({
      version: 1,
      topic: 'readings',
      partition: 0,
      writer: '01234567',
      first_offset: 0,
      end_offset: COUNT,
      records: COUNT,
      bytes: objects.reduce((sum, { bytes }) => sum + bytes, 0),
    })
    expect(objects.reduce((sum, { records }) => sum + records, 0)).toBe(COUNT)
    for (const object of objects) {
      expect(object.topic).toBe('readings')
      expect(object.first_data_id).toBe(idOf(object.first_offset))
      expect(object.last_data_id).toBe(idOf(object.end_offset - 1))
    }
  })

  it('counts what became rows, not what could not', async () => {
    const bucket = await testBucket()
    const writer = await bucket.store({ format: 'parquet' }).open(systemClock)
    const bad = (i: number): Given => (i % 10 === 0 ? { data: { station: 7, megawatts: i } } : {})
    const { unstorable } = await writer.write(rollOf(0, 100), stream(batchesOf(100, bad)), never())
    await writer.close()
    await using copy = await download(bucket)
    expect(unstorable).toHaveLength(10)
    expect(copy.manifests[0]!.records).toBe(90)
    expect(copy.manifests[0]!.objects[0]).toMatchObject({ records: 90, first_offset: 1, first_data_id: idOf(1), end_offset: 100 })
  })

  it('lists each part where columns change within a roll', async () => {
    const bucket = await testBucket()
    const writer = await bucket.store({ format: 'parquet' }).open(systemClock)
    // Two row groups of 8 MB; a field that the schema does not know comes in the second.
    const count = 1_400
    const of = (i: number): Given => ({ data: { station: 'x'.repeat(10_000), megawatts: i, ...(i > 1_000 ? { late: 1 } : {}) } })
    await writer.write(rollOf(0, count), stream(batchesOf(count, of)), never())
    await writer.close()
    await using copy = await download(bucket)
    const { objects } = copy.manifests[0]!
    expect(objects).toHaveLength(2)
    const [first, second] = objects
    expect(first!.first_offset).toBe(0)
    expect(second!.first_offset).toBe(first!.end_offset)
    expect(second!.end_offset).toBe(count)
    expect(second!.first_data_id).toBe(idOf(first!.end_offset))
    expect(first!.records + second!.records).toBe(count)
  })

  it('replaces that of an attempt under other settings, whose objects are removed', async () => {
    const bucket = await testBucket()
    const before: Partial<S3Options> = { key: true, compression: 'gzip', prefix: 'lake' }
    const other = await bucket.store({ prefix: 'lake' }).open(systemClock)
    await other.write(rollOf(0, COUNT, { writer: '0000000a' }), stream(batchesOf(COUNT, of)), never())
    await write(bucket.store(before))
    const writer = await bucket.store({ prefix: 'lake' }).open(systemClock)
    await writer.write(rollOf(0, COUNT, { resumed: true }), stream(batchesOf(COUNT, of)), never())
    await writer.close()
    await other.close()
    const keys = await bucket.dataKeys()
    expect(keys.filter(key => key.endsWith('.gz'))).toEqual([])
    // Three hours, of two writers: what another writer wrote of the same offsets is none of this one's.
    expect(keys).toHaveLength(6)
    await using copy = await download(bucket)
    expect(copy.manifests.map(({ records }) => records)).toEqual([COUNT, COUNT])
  })
})

describe('what a roll has noted before it began', () => {
  const noted = '_begun/readings/01234567-0.json'

  it('has no power over other rolls’ objects, whatever it says', async () => {
    const bucket = await testBucket()
    const foreign = [
      'readings/date=2026-01-31/hour=12/0-0000000000000400-01234567.ndjson.zst',
      'readings/0-0000000000000000-0000000a.json',
      'x',
    ]
    for (const key of foreign) await bucket.put(key, 'of another roll')
    const objects = foreign.map(key => ({ key, parts: false }))
    await bucket.put(noted, JSON.stringify({ first_offset: 0, objects }))
    const writer = await bucket.store().open(systemClock)
    await writer.write(rollOf(0, COUNT, { resumed: true }), stream(batchesOf(COUNT, of)), never())
    await writer.close()
    expect(await bucket.keys()).toEqual(expect.arrayContaining(foreign))
  })

  it('is not guessed at where it cannot be read', async () => {
    const bucket = await testBucket()
    await bucket.put(noted, '{"first_offset":0,"objects":[{"key":1}]}')
    const writer = await bucket.store().open(systemClock)
    await expect(writer.write(rollOf(0, COUNT, { resumed: true }), stream(batchesOf(COUNT, of)), never())).rejects.toMatchObject({
      code: 'STORE_DENIED',
      message: expect.stringContaining(noted),
      fix: expect.stringContaining('Delete it.'),
    })
    await writer.close()
  })
})
