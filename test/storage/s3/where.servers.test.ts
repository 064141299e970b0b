import { expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import type { RollingStore, StoredDatum } from '../../../src/storage/storage.ts'
import { batchesOf, HOUR_MS, idOf, NOON_MS, never, readings, rollOf, stream } from '../batches.ts'
import { testBucket } from './buckets.ts'

const given = (i: number) => ({ key: i % 2 === 0 ? 'north' : 'NORTH', createdMs: NOON_MS + (i % 3) * HOUR_MS })
const datum = (offset: number): StoredDatum => ({
  ...{ topic: readings, partition: 0, offset, writer: '01234567', isReplay: false, dataId: idOf(offset) },
  ...given(offset),
})

async function write(store: RollingStore, first: number, end: number): Promise<void> {
  const writer = await store.open(systemClock)
  await writer.write(rollOf(first, end), stream(batchesOf(end - first, given, first)), never())
  await writer.close()
}

it.each([
  ['ndjson.zst', { format: 'ndjson', compression: 'zstd' }],
  ['ndjson.gz', { format: 'ndjson', compression: 'gzip' }],
  ['parquet', { format: 'parquet', compression: 'zstd' }],
] as const)('a bucket says in which object and row a datum is, of %s', async (extension, options) => {
  const bucket = await testBucket()
  const store = bucket.store({ prefix: 'raw', ...options })
  await write(store, 0, 30)
  await write(store, 30, 60)
  for (const offset of [0, 7, 29, 30, 59]) {
    const at = await store.whereIs?.(datum(offset))
    const hour = `raw/readings/date=2026-01-31/hour=${12 + (offset % 3)}/`
    expect(at?.where).toBe(`s3://${bucket.name}/${hour}`)
    const key = `${hour}0-${String(offset < 30 ? 0 : 30).padStart(16, '0')}-01234567.${extension}`
    expect(await at?.exact?.()).toEqual({ where: `s3://${bucket.name}/${key}`, row: Math.floor((offset % 30) / 3) + 1 })
  }
})

it('no object is told of a datum that none holds, nor a row where an object has no ids', async () => {
  const bucket = await testBucket()
  const store = bucket.store({ record: 'plain' })
  const exact = async (offset: number) => (await store.whereIs?.(datum(offset)))?.exact?.()
  expect(await exact(0)).toBeUndefined()
  await write(store, 3, 6)
  expect(await exact(0)).toBeUndefined()
  expect(await exact(3)).toEqual({ where: expect.stringContaining('/0-0000000000000003-01234567.ndjson.zst'), row: undefined })
})

it('whoever may not look into the bucket, or does not reach it, is told the folder', async () => {
  const bucket = await testBucket()
  await write(bucket.store(), 0, 3)
  const wrong = { credentials: { accessKeyId: 'nobody', secretAccessKey: 'nothing' } }
  for (const options of [wrong, { endpoint: 'http://127.0.0.1:1' }]) {
    const at = await bucket.store(options, { attempts: 1 }).whereIs?.(datum(0))
    expect(at?.where).toMatch(/^s3:\/\/.*\/hour=12\/$/)
    expect(await at?.exact?.()).toBeUndefined()
  }
})

it('a large object is not read for one row', async () => {
  const bucket = await testBucket()
  const store = bucket.store({}, { readBytes: 10 })
  await write(store, 0, 3)
  expect(await (await store.whereIs?.(datum(0)))?.exact?.()).toEqual({ where: expect.stringMatching(/\.ndjson\.zst$/), row: undefined })
})
