import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib'
import { MillraceError } from '../errors.ts'
import type { Limits } from './limits.ts'

export type Encoding = 'gzip' | 'deflate' | 'br' | 'zstd'
type Callback = (error: unknown, plain: Buffer) => void

/** Small bodies may grow as they like: a hundred readings that hardly differ compress better than the ratio allows. */
const RATIO_FROM_BYTES = 1_000_000
const NOTHING = Buffer.alloc(0)
const TOO_LARGE = 'ERR_BUFFER_TOO_LARGE'

/** With `info`, which the type declarations do not know, a decoder says how far it has read beside what it has made. */
type Decoder = (
  body: Buffer,
  options: { maxOutputLength: number; info: true },
  done: (error: Error | null, made: { buffer: Buffer; engine: { bytesWritten: number } }) => void,
) => void
const DECODERS = { gzip: gunzip, deflate: inflate, br: brotliDecompress, zstd: zstdDecompress } as unknown as Record<Encoding, Decoder>

/** @throws CONTENT_TYPE_UNSUPPORTED where the body is encoded in another way, or more than once. */
export function encodingOf(header: string | undefined): Encoding | undefined {
  if (header === undefined) return undefined
  const name = header.trim().toLowerCase()
  if (name === '' || name === 'identity') return undefined
  if (name === 'x-gzip') return 'gzip'
  if (name === 'gzip' || name === 'deflate' || name === 'br' || name === 'zstd') return name
  throw new MillraceError('CONTENT_TYPE_UNSUPPORTED', `The content encoding is ${JSON.stringify(name.slice(0, 60))}.`, {
    fix: 'Send gzip, deflate, br or zstd, once, or no encoding.',
  })
}

/** Decompresses off the main thread. Never makes more bytes than the limits allow, however many the body claims to hold. */
export function decompress(encoding: Encoding, body: Buffer, limits: Limits, done: Callback): void {
  const most = Math.min(limits.decompressedBytes, Math.max(RATIO_FROM_BYTES, body.length * limits.decompressionRatio))
  const fail = (error: Error) => done(explain(error, encoding, body.length, most, limits), NOTHING)
  const parts: Buffer[] = []
  let length = 0
  const next = (at: number) => {
    // One byte more than what is left, so that a part which fills it exactly and one which exceeds it are told apart.
    DECODERS[encoding](body.subarray(at), { maxOutputLength: most - length + 1, info: true }, (error, made) => {
      if (error !== null) return fail(error)
      parts.push(made.buffer)
      length += made.buffer.length
      const end = at + made.engine.bytesWritten
      if (length > most) return fail(Object.assign(new Error('too large'), { code: TOO_LARGE }))
      if (end >= body.length) return done(undefined, parts.length === 1 ? made.buffer : Buffer.concat(parts, length))
      // Node's readers stop after the first zstd frame, and at the end of a brotli or deflate stream, without a word about the rest:
      // data would be lost that their producer believes sent.
      if (encoding === 'zstd' && made.engine.bytesWritten > 0) return next(end)
      fail(new Error(`${body.length - end} bytes follow its end`))
    })
  }
  next(0)
}

function explain(error: Error, encoding: Encoding, bytes: number, most: number, limits: Limits): MillraceError {
  if ('code' in error && error.code === TOO_LARGE) {
    const byRatio = most < limits.decompressedBytes
    return new MillraceError('BODY_TOO_LARGE', `${bytes} bytes of ${encoding} hold more than ${most}.`, {
      fix: byRatio
        ? `Send it in smaller parts; a body may grow ${limits.decompressionRatio} times (limit decompressionRatio).`
        : 'Send it in smaller parts, or raise the limit decompressedBytes.',
    })
  }
  return new MillraceError('BODY_MALFORMED', `The body is not ${encoding}: ${error.message}.`, {
    fix: 'Compress the whole body once and name that in Content-Encoding.',
    cause: error,
  })
}
