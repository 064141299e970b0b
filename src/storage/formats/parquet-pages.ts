import { gunzipSync, zstdDecompressSync } from 'node:zlib'

/** What reads the pages of a Parquet file that Millrace has written; snappy the library knows. An empty page was written as it is. */
export const PAGES = {
  ZSTD: (page: Uint8Array) => (page.length === 0 ? page : zstdDecompressSync(page)),
  GZIP: (page: Uint8Array) => (page.length === 0 ? page : gunzipSync(page)),
}
