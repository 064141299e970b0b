import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { pipeline } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { PAGES } from './parquet-pages.ts'
import { unzstd } from './zstd-frames.ts'

/** Larger ones are not read to find one row: the thread that answers has other things to do. */
export const MOST_READ_BYTES = 67_108_864
const NEWLINE = 0x0a

/**
 * In which row of a file of Millrace's a datum is, the first one being 1.
 * @returns undefined where the file is large, holds no ids (`record: 'plain'`), or not this one.
 */
export async function rowOf(path: string, dataId: string): Promise<number | undefined> {
  if ((await stat(path)).size > MOST_READ_BYTES) return undefined
  return path.endsWith('.parquet') ? rowOfParquet(path, dataId) : lineOf(unpacked(path), Buffer.from(`{"data_id":"${dataId}"`))
}

function unpacked(path: string): AsyncIterable<Buffer> {
  const bytes = createReadStream(path)
  if (path.endsWith('.zst')) return unzstd(bytes)
  // Whatever fails is what reading throws.
  return path.endsWith('.gz') ? pipeline(bytes, createGunzip(), () => undefined) : bytes
}

/** The line that begins so. */
async function lineOf(chunks: AsyncIterable<Buffer>, beginning: Buffer): Promise<number | undefined> {
  let line = 1
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of chunks) {
    const text = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    let start = 0
    for (let end = text.indexOf(NEWLINE); end !== -1; end = text.indexOf(NEWLINE, start)) {
      if (text.subarray(start, start + beginning.length).equals(beginning)) return line
      line++
      start = end + 1
    }
    rest = text.subarray(start)
  }
  return undefined
}

async function rowOfParquet(path: string, dataId: string): Promise<number | undefined> {
  const { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } = await import('hyparquet')
  const file = await asyncBufferFromFile(path)
  const metadata = await parquetMetadataAsync(file)
  if (!metadata.schema.some(({ name }) => name === 'data_id')) return undefined
  let rowStart = 0
  for (const group of metadata.row_groups) {
    const rowEnd = rowStart + Number(group.num_rows)
    const ids = await parquetReadObjects({ file, metadata, rowStart, rowEnd, columns: ['data_id'], compressors: PAGES })
    const at = ids.findIndex(row => row.data_id === dataId)
    if (at !== -1) return rowStart + at + 1
    rowStart = rowEnd
  }
  return undefined
}
