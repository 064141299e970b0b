import { join } from 'node:path'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type FilesOptions, files } from '../../../src/storage/adapters/files/index.ts'
import { safeSegment, tellsApart } from '../../../src/storage/formats/safe-name.ts'
import { batchesOf, type Given, HOUR_MS, idsOf, NOON_MS, never, rollOf, stream } from '../batches.ts'
import { envelopesIn, filesIn, temporaryFolder } from '../lake.ts'

async function lakeOf(count: number, of: (i: number) => Given, options: FilesOptions): Promise<string> {
  const folder = await temporaryFolder()
  const writer = await files(join(folder, 'lake'), options).open(systemClock)
  await writer.write(rollOf(0, count), stream(batchesOf(count, of)), never())
  return folder
}

describe('the layout of a lake', () => {
  it('names folders by topic, key, day and hour as Hive does, and files by partition, first offset and writer', async () => {
    const folder = await lakeOf(1, () => ({ key: 'North 7/a' }), { key: true })
    expect(filesIn(folder)).toEqual([
      expect.stringMatching(
        /^lake\/readings\/key=North%207%2Fa\/date=2026-01-31\/hour=12\/0-0000000000000000-01234567-[0-9a-f]{20}\.ndjson\.zst$/,
      ),
    ])
  })

  it('is a folder a day with interval 1d, and has no key without key: true', async () => {
    const folder = await lakeOf(5, () => ({}), { interval: '1d', compression: 'gzip' })
    expect(filesIn(folder)).toEqual(['lake/readings/date=2026-01-31/0-0000000000000000-01234567.ndjson.gz'])
  })

  it('puts late data into files of their own hour, beside what is there', async () => {
    const folder = await lakeOf(60, i => ({ createdMs: NOON_MS - (i % 3) * HOUR_MS }), {})
    const writer = await files(join(folder, 'lake')).open(systemClock)
    await writer.write(rollOf(60, 90), stream(batchesOf(30, () => ({ createdMs: NOON_MS - 2 * HOUR_MS }), 60)), never())
    const found = envelopesIn(folder)
    expect(found.map(each => each.data_id).sort()).toEqual(idsOf(0, 90))
    for (const { created, path } of found) expect(path).toContain(`date=${created.slice(0, 10)}/hour=${created.slice(11, 13)}/`)
    expect(filesIn(folder)).toHaveLength(4)
  })

  it('takes any time of a datum, and says which time is none', async () => {
    const folder = await temporaryFolder()
    const writer = await files(folder).open(systemClock)
    const times = [-1, 0, 8.64e15, -8.64e15, 253_402_300_800_000, Number.NaN, Number.POSITIVE_INFINITY, 1e17]
    const { unstorable } = await writer.write(rollOf(0, 8), stream(batchesOf(8, i => ({ createdMs: times[i]! }))), never())
    expect(unstorable.map(each => each.offset)).toEqual([5, 6, 7])
    expect(envelopesIn(folder)).toHaveLength(5)
  })

  const tricks = [
    '..',
    '.',
    '../../etc/passwd',
    '/etc/passwd',
    '..\\..\\windows',
    'a/../../b',
    'nul\0byte',
    'CON',
    'con',
    'Con',
    'trailing.',
    'trailing ',
    '',
    '__HIVE_DEFAULT_PARTITION__',
    '__hive_default_partition__',
    'key=other',
    '%2F',
    '/',
    '%2f',
    'münchen',
    'mu\u0308nchen',
    '日本',
    '💡',
    'de',
    'DE',
    'De',
    'a'.repeat(1024),
    `${'a'.repeat(1023)}b`,
    `${'A'.repeat(1024)}`,
    '~',
    'new\nline',
    '.hidden',
    '_hidden',
    '*',
    '"',
    'a..b',
    'a.b',
  ]
  it('keeps every key apart and inside the lake, whatever its name', async () => {
    const folder = await lakeOf(tricks.length, i => ({ key: tricks[i]!, data: { key: tricks[i]! } }), { key: true })
    const found = envelopesIn(folder)
    expect(found.map(each => (each.data as { key: string }).key).sort()).toEqual([...tricks].sort())
    const paths = found.map(each => each.path)
    // Also on a file system that does not tell A from a.
    expect(new Set(paths.map(path => path.toLowerCase())).size).toBe(tricks.length)
    for (const path of paths) {
      expect(path).toMatch(/^lake\/readings\/key=[A-Za-z0-9._%~-]+\/date=2026-01-31\/hour=12\/[A-Za-z0-9-]+\.ndjson\.zst$/)
      for (const segment of path.split('/')) expect(segment.length).toBeLessThan(255)
    }
  })

  it('gives two texts two names, always', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ unit: fc.constantFrom('.', '/', '%', '2', 'F', 'f', 'a', 'A', '~') }))
    fc.assert(
      fc.property(text, text, (a, b) => {
        const [first, second] = [safeSegment(a), safeSegment(b)]
        if (Buffer.from(a).equals(Buffer.from(b))) expect(first).toBe(second)
        else if (tellsApart(first) && tellsApart(second)) expect(first.toLowerCase()).not.toBe(second.toLowerCase())
        else expect(first).not.toBe(second)
        expect(first).not.toMatch(/^\.|\.$|[/\\\0]|\.\./)
      }),
      { numRuns: 2_000 },
    )
  })

  it('can be decoded by readers of Hive’s layout', () => {
    for (const key of tricks.filter(each => each !== '' && each.length < 100)) expect(decodeURIComponent(safeSegment(key))).toBe(key)
  })
})

describe('the options of files', () => {
  it.each([
    [{ format: 'csv' }, /format is "csv": it must be 'ndjson' or 'parquet'/],
    [{ compression: 'snappy' }, /'snappy', which is Parquet's alone/],
    [{ roll: { records: 0 } }, /roll records is 0/],
    [{ roll: { age: 'soon' } }, /roll age is "soon"/],
    [{ interval: '5m' }, /interval is "5m"/],
  ])('are checked where they are given: %j', (options, message) => {
    expect(() => files('./lake', options as FilesOptions)).toThrow(message)
  })

  it('name a folder that can be one', async () => {
    const folder = await temporaryFolder()
    const writer = await files(folder, { compression: 'none' }).open(systemClock)
    await writer.write(rollOf(0, 1), stream(batchesOf(1)), never())
    await expect(files(join(folder, filesIn(folder)[0]!, 'lake')).open(systemClock)).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })
})
