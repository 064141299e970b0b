import { constants, gzipSync, zstdCompressSync } from 'node:zlib'

export type Compression = 'zstd' | 'gzip' | 'snappy' | 'none'

const ZSTD_LEVEL = 1
const GZIP_LEVEL = 6

/** Compresses a piece whole and by itself: a zstd frame or a gzip member, and a file of many of them is a file. No clock is in either. */
export function compress(compression: Exclude<Compression, 'snappy'>, bytes: Uint8Array): Uint8Array {
  switch (compression) {
    case 'zstd':
      return zstdCompressSync(bytes, { params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL } })
    case 'gzip':
      return gzipSync(bytes, { level: GZIP_LEVEL })
    case 'none':
      return bytes
  }
}
