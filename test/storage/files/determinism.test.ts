import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type FilesOptions, files } from '../../../src/storage/adapters/files/index.ts'
import type { RecordBatch } from '../../../src/stream/stream.ts'
import { batchesOf, type Given, HOUR_MS, NOON_MS, never, rollOf, stream } from '../batches.ts'
import { bytesIn, temporaryFolder } from '../lake.ts'

const options: fc.Arbitrary<FilesOptions> = fc.record({
  format: fc.constantFrom('ndjson', 'parquet'),
  record: fc.constantFrom('envelope', 'plain'),
  compression: fc.constantFrom('zstd', 'gzip', 'none'),
  interval: fc.constantFrom('1h', '1d'),
  key: fc.boolean(),
})
const datum: fc.Arbitrary<Given> = fc.record({
  key: fc.constantFrom('a', 'b', 'A', ''),
  createdMs: fc.integer({ min: NOON_MS - 3 * HOUR_MS, max: NOON_MS }),
  data: fc.record({ station: fc.string(), megawatts: fc.double({ noNaN: true, noDefaultInfinity: true }) }),
})

describe('the same range', () => {
  it(
    'gives the same names and the same bytes, whatever the batches it is read in',
    () =>
      fc.assert(
        fc.asyncProperty(options, fc.array(datum, { minLength: 1, maxLength: 120 }), async (chosen, data) => {
          const whole = await written(
            chosen,
            batchesOf(data.length, i => data[i]!),
          )
          const single = await written(
            chosen,
            data.flatMap((given, i) => batchesOf(1, () => given, i)),
          )
          expect(single).toEqual(whole)
          expect(whole.size).toBeGreaterThan(0)
        }),
        { numRuns: 40 },
      ),
    120_000,
  )

  it('gives the same bytes where memory is short and files are written in pieces', async () => {
    const data = batchesOf(3_000, i => ({ key: `k${i % 40}`, data: { station: 'x'.repeat(1_000 + (i % 7) * 3_000), megawatts: i } }))
    for (const format of ['ndjson', 'parquet'] as const)
      expect(await written({ format, key: true }, data)).toEqual(await written({ format, key: true }, data))
  })
})

async function written(chosen: FilesOptions, batches: readonly RecordBatch[]) {
  const folder = await temporaryFolder()
  const writer = await files(folder, chosen).open(systemClock)
  const end = batches.reduce((sum, batch) => sum + batch.count, 0)
  await writer.write(rollOf(0, end), stream(batches), never())
  return bytesIn(folder)
}
