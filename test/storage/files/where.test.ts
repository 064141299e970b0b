import { join } from 'node:path'
import { expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { files } from '../../../src/storage/adapters/files/index.ts'
import { sqlite } from '../../../src/storage/adapters/sqlite/index.ts'
import type { StoredDatum } from '../../../src/storage/storage.ts'
import { batchesOf, HOUR_MS, idOf, NOON_MS, never, readings, rollOf, stream } from '../batches.ts'
import { envelopesIn, temporaryFolder } from '../lake.ts'

const given = (i: number) => ({ key: i % 2 === 0 ? 'north' : 'NORTH', createdMs: NOON_MS + (i % 3) * HOUR_MS })
const datum = (offset: number): StoredDatum => ({
  ...{ topic: readings, partition: 0, offset, writer: '01234567', isReplay: false, dataId: idOf(offset) },
  ...given(offset),
})

it('a folder of files says in which one a datum is, among rolls, keys that look alike, and another agent’s files', async () => {
  const folder = await temporaryFolder()
  const store = files(folder, { key: true })
  const writer = await store.open(systemClock)
  for (const [first, end] of [
    [0, 20],
    [20, 50],
  ] as const)
    await writer.write(rollOf(first, end), stream(batchesOf(end - first, given, first)), never())
  await writer.write(rollOf(10, 20, { writer: 'ffffffff' }), stream(batchesOf(10, given, 10)), never())
  const own = envelopesIn(folder).filter(({ path }) => path.includes('01234567'))
  const said = await Promise.all(own.map(async (_, i) => store.whereIs?.(datum(i))))
  expect(said.map(at => at?.where)).toEqual(own.map((_, i) => join(folder, own.find(({ data_id }) => data_id === idOf(i))!.path)))
})

it.each([
  { format: 'ndjson', compression: 'zstd' },
  { format: 'ndjson', compression: 'gzip' },
  { format: 'ndjson', compression: 'none' },
  { format: 'parquet', compression: 'zstd' },
] as const)('a file of $format with $compression says in which row a datum is', async options => {
  const folder = await temporaryFolder()
  const store = files(folder, options)
  const writer = await store.open(systemClock)
  await writer.write(rollOf(0, 30), stream(batchesOf(30, given)), never())
  for (const offset of [0, 7, 29]) {
    // Every third datum is of the same hour, and so in the same file.
    expect((await (await store.whereIs?.(datum(offset)))?.exact?.())?.row).toBe(Math.floor(offset / 3) + 1)
  }
})

it('a file that holds no ids says no row', async () => {
  const store = files(await temporaryFolder(), { record: 'plain' })
  await (await store.open(systemClock)).write(rollOf(0, 3), stream(batchesOf(3, given)), never())
  expect((await (await store.whereIs?.(datum(0)))?.exact?.())?.row).toBeUndefined()
})

it('a folder that is not there, or that has no such file, says nothing', async () => {
  expect(await files(join(await temporaryFolder(), 'away')).whereIs?.(datum(0))).toBeUndefined()
})

it('a database says in which table, and by which key', async () => {
  expect(await sqlite('./feedback.db').whereIs?.(datum(3))).toEqual({
    where: `./feedback.db, table readings, data_id ${idOf(3)}`,
  })
})
