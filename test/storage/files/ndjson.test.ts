import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { serialize } from 'bson'
import { pack } from 'msgpackr'
import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/clock.ts'
import { type FilesOptions, files } from '../../../src/storage/adapters/files/index.ts'
import { batchesOf, type Given, idOf, NOON_MS, never, rollOf, stream } from '../batches.ts'
import { rowsIn } from '../duckdb.ts'
import { envelopesIn, filesIn, linesOf, temporaryFolder } from '../lake.ts'

async function lakeOf(count: number, of: (i: number) => Given, options: FilesOptions = {}) {
  const folder = await temporaryFolder()
  const writer = await files(folder, options).open(systemClock)
  const written = await writer.write(rollOf(0, count), stream(batchesOf(count, of)), never())
  return { folder, written, lines: filesIn(folder).flatMap(path => linesOf(join(folder, path))) }
}

describe('files of NDJSON', () => {
  it('hold an envelope a line, its data as JSON', async () => {
    const { lines } = await lakeOf(1, () => ({ data: { station: 'ü', megawatts: 1.5 }, source: 'a "meter"\nü' }))
    expect(lines).toEqual([
      `{"data_id":"${idOf(0)}","source":"a \\"meter\\"\\nü","created":"2026-01-31T12:00:00.000Z","type":"readings","data":{"station":"ü","megawatts":1.5}}`,
    ])
  })

  it('hold what is not JSON as base64 with its content type', async () => {
    const { folder } = await lakeOf(1, () => ({ raw: Uint8Array.of(0, 255, 10, 13), contentType: 'image/jpeg' }))
    expect(envelopesIn(folder)).toMatchObject([{ data: Buffer.from([0, 255, 10, 13]).toString('base64'), content_type: 'image/jpeg' }])
  })

  it('keep JSON with line breaks on one line, its strings untouched', async () => {
    const raw = '{\r\n  "station": "a\\nb",\n\t"megawatts": 12345678901234567890.10\n}'
    const { lines } = await lakeOf(1, () => ({ raw }), { record: 'plain' })
    expect(lines).toEqual(['{    "station": "a\\nb", \t"megawatts": 12345678901234567890.10 }'])
  })

  it('hold plain records of any content type as JSON', async () => {
    const all: Given[] = [
      { raw: pack({ a: 1, b: [true], c: Buffer.from('hi') }), contentType: 'application/msgpack' },
      { raw: serialize({ a: 1, when: new Date(NOON_MS) }), contentType: 'application/bson' },
      { raw: 'line 1\nline 2', contentType: 'text/plain' },
      { raw: Uint8Array.of(1, 2, 3), contentType: 'application/octet-stream' },
    ]
    const { lines, written } = await lakeOf(all.length, i => all[i]!, { record: 'plain' })
    expect(written.unstorable).toEqual([])
    expect(lines.map(line => JSON.parse(line) as unknown)).toEqual([
      { a: 1, b: [true], c: 'aGk=' },
      { a: 1, when: '2026-01-31T12:00:00.000Z' },
      'line 1\nline 2',
      'AQID',
    ])
  })

  it('refuse JSON that is not UTF-8 and keep the others', async () => {
    const { lines, written } = await lakeOf(3, i => (i === 1 ? { raw: Uint8Array.of(0x22, 0xff, 0x22) } : {}))
    expect(written.unstorable).toEqual([{ offset: 1, reason: 'its JSON is not valid UTF-8' }])
    expect(lines).toHaveLength(2)
  })

  it.each(['zstd', 'gzip', 'none'] as const)('are read by DuckDB, every row of many frames: %s', async compression => {
    const { folder, written } = await lakeOf(20_000, i => ({ data: { station: `s${i % 9}`, megawatts: i } }), { compression })
    expect(written.files).toBe(1)
    const [row] = await rowsIn(
      folder,
      "SELECT count(*)::INT AS n, count(DISTINCT data_id)::INT AS ids, sum(data.megawatts)::INT AS total FROM read_json('{}/**/*.ndjson*')",
    )
    expect(row).toEqual({ n: 20_000, ids: 20_000, total: (20_000 * 19_999) / 2 })
  })

  it('are of independent frames of 256 KB', async () => {
    const { folder } = await lakeOf(5_000, i => ({ data: { station: `s${i}`, megawatts: Math.sin(i) } }))
    const bytes = readFileSync(join(folder, filesIn(folder)[0]!))
    let frames = 0
    for (let at = bytes.indexOf(ZSTD_MAGIC); at >= 0; at = bytes.indexOf(ZSTD_MAGIC, at + 4)) frames++
    expect(frames).toBeGreaterThan(2)
  })
})

const ZSTD_MAGIC = Buffer.from('28b52ffd', 'hex')
