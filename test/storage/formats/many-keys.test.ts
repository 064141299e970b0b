import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { nodeDisk } from '../../../src/storage/adapters/files/disk.ts'
import { files } from '../../../src/storage/adapters/files/index.ts'
import { Attempt } from '../../../src/storage/adapters/files/staging.ts'
import type { Format } from '../../../src/storage/formats/format.ts'
import { Layout } from '../../../src/storage/formats/layout.ts'
import { Ndjson } from '../../../src/storage/formats/ndjson.ts'
import { Parquet } from '../../../src/storage/formats/parquet.ts'
import { Sorter } from '../../../src/storage/formats/sorter.ts'
import { batchesOf, idsOf, never, rollOf, stream } from '../batches.ts'
import { envelopesIn, filesIn, temporaryFolder } from '../lake.ts'

const KEYS = 1_000
const LIMIT_BYTES = 2_000_000

describe('a thousand keys at once', () => {
  it.each([
    ['NDJSON', new Ndjson(true, 'zstd')],
    ['Parquet', new Parquet(true, 'zstd')],
  ] as [string, Format][])('hold no more memory than the limit for all of them: %s', async (_, format) => {
    const folder = await temporaryFolder()
    const roll = rollOf(0, 12_000)
    const attempt = await Attempt.open(nodeDisk, folder, roll)
    const sorter = new Sorter(roll, new Layout(true, '1h', format.extension), { aside: attempt, format }, LIMIT_BYTES)
    let most = 0
    for (const batch of batchesOf(12_000, i => ({ key: `k${i % KEYS}`, data: { station: 'x'.repeat(400), megawatts: i } }))) {
      sorter.add(batch)
      most = Math.max(most, sorter.heldBytes)
    }
    // It was reached, and kept to.
    expect(most).toBeGreaterThan(LIMIT_BYTES / 2)
    expect(most).toBeLessThanOrEqual(LIMIT_BYTES)
    const { files: staged, written } = sorter.finish()
    expect(staged).toHaveLength(KEYS)
    expect(written.unstorable).toEqual([])
    expect(sorter.heldBytes).toBe(0)
  })

  it('are a file each, and lose nothing', async () => {
    const folder = await temporaryFolder()
    const writer = await files(folder, { key: true }).open(systemClock)
    await writer.write(rollOf(0, 3_000), stream(batchesOf(3_000, i => ({ key: `k${i % KEYS}` }))), never())
    expect(filesIn(folder)).toHaveLength(KEYS)
    expect(
      envelopesIn(folder)
        .map(each => each.data_id)
        .sort(),
    ).toEqual(idsOf(0, 3_000))
  })
})
