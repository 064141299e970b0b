import type { IncomingMessage, ServerResponse } from 'node:http'
import { MillraceError } from '../errors.ts'
import { decompress, encodingOf } from './decompress.ts'
import type { Limits } from './limits.ts'

const NOTHING = Buffer.alloc(0)

export interface BodyReader {
  /** Holds memory for bytes that are about to be kept. @throws OVERLOADED */
  hold(bytes: number): void
  /** Called once: with the body, decompressed, or with why there is none. */
  done(error: MillraceError | undefined, body: Buffer): void
}

/**
 * Reads a request's body whole. What is declared too large is refused before a byte of it is read; what turns out so, as soon as
 * it does. Its callbacks cost less than a promise for each request.
 */
export function readBody(request: IncomingMessage, response: ServerResponse, limits: Limits, reader: BodyReader): void {
  let chunks: Buffer[] | undefined
  let first: Buffer | undefined
  let length = 0
  let settled = false

  const settle = (error: MillraceError | undefined, body: Buffer) => {
    if (settled) return
    settled = true
    reader.done(error, body)
  }
  const fail = (error: unknown) => settle(asMillraceError(error), NOTHING)

  let encoding: ReturnType<typeof encodingOf>
  try {
    encoding = encodingOf(request.headers['content-encoding'])
    const declared = Number(request.headers['content-length'] ?? 0)
    if (declared > limits.bodyBytes) throw tooLarge(declared, limits)
    reader.hold(declared)
  } catch (error) {
    fail(error)
    return
  }
  // The producer waits to hear that its body is wanted.
  if (request.headers.expect !== undefined) response.writeContinue()
  const isChunked = request.headers['content-length'] === undefined

  request.on('data', (chunk: Buffer) => {
    if (settled) return
    length += chunk.length
    try {
      if (length > limits.bodyBytes) throw tooLarge(length, limits)
      if (isChunked) reader.hold(chunk.length)
    } catch (error) {
      first = undefined
      chunks = undefined
      return fail(error)
    }
    if (first === undefined) first = chunk
    else if (chunks === undefined) chunks = [first, chunk]
    else chunks.push(chunk)
  })
  request.on('end', () => {
    const body = chunks === undefined ? (first ?? NOTHING) : Buffer.concat(chunks, length)
    if (encoding === undefined || settled) return settle(undefined, body)
    decompress(encoding, body, limits, (error, plain) => {
      if (error !== undefined) return fail(error)
      try {
        reader.hold(plain.length)
      } catch (overloaded) {
        return fail(overloaded)
      }
      settle(undefined, plain)
    })
  })
  // A producer that goes away in the middle of its body: what came of it is discarded, and nobody is there to be told.
  request.on('close', () => {
    if (!request.complete) fail(new MillraceError('BODY_MALFORMED', 'The connection ended before the body did.'))
  })
}

function tooLarge(bytes: number, limits: Limits): MillraceError {
  return new MillraceError('BODY_TOO_LARGE', `The body has ${bytes} bytes or more; at most ${limits.bodyBytes} are taken.`, {
    fix: 'Send it in parts, or raise the limit bodyBytes.',
  })
}

function asMillraceError(error: unknown): MillraceError {
  if (error instanceof MillraceError) return error
  return new MillraceError('BODY_MALFORMED', 'The body cannot be read.', { fix: 'Send it again whole.', cause: error })
}
