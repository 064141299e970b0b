import type { IncomingMessage } from 'node:http'
import { MillraceError } from '../errors.ts'
import type { Limits } from './limits.ts'
import { type MediaType, mediaTypeOf } from './media-type.ts'
import type { Producer } from './producer.ts'
import { type RouteTable, type Target, topicOfPath, unknownTopic } from './routes.ts'

/** What a producer asks for, as its request line and headers say it. */
export interface Asked {
  readonly target: Target
  readonly producer: Producer
  readonly media: MediaType
  /** The producer's own id of the datum, or of the batch. */
  readonly id: string | undefined
  /** Receipts of failures only. */
  readonly failuresOnly: boolean
}

const MAX_ID_BYTES = 255
const PRINTABLE = /^[\x20-\x7e]+$/

/**
 * Headers that must come once. Of two, a proxy may believe one and we the other; Node keeps the first of some, joins others
 * with a comma, and says nothing.
 */
const ONCE = new Map(
  [
    'authorization',
    'content-encoding',
    'content-length',
    'content-type',
    'host',
    'idempotency-key',
    'millrace-source',
    'millrace-type',
    'transfer-encoding',
  ].map((name, i) => [name, 1 << i]),
)

/** HEADER_INVALID with the status that says which way (RFC 6585 §5). */
export class HeadersTooLarge extends MillraceError {
  override readonly status = 431

  constructor(limit: 'headerBytes' | 'headerCount', most: number) {
    super('HEADER_INVALID', `The request has more than ${most} ${limit === 'headerCount' ? 'headers' : 'bytes of headers'}.`, {
      fix: `Send less, or raise the limit ${limit}.`,
    })
  }
}

/** @throws HEADER_INVALID */
export function checkHeaders(request: IncomingMessage, limits: Limits): void {
  const raw = request.rawHeaders
  if (raw.length > limits.headerCount * 2) throw new HeadersTooLarge('headerCount', limits.headerCount)
  let seen = 0
  for (let i = 0; i < raw.length; i += 2) {
    const bit = ONCE.get(raw[i]!) ?? ONCE.get(raw[i]!.toLowerCase())
    if (bit === undefined) continue
    if ((seen & bit) !== 0) throw new MillraceError('HEADER_INVALID', `The header ${raw[i]} comes twice.`, { fix: 'Send it once.' })
    seen |= bit
  }
}

/** Reads what is asked, in the order in which it may be told: who you are before what there is. */
export function readRequest(request: IncomingMessage, table: RouteTable, producer: Producer): Asked {
  const url = request.url ?? '/'
  const question = url.indexOf('?')
  const path = question < 0 ? url : url.slice(0, question)
  const query = question < 0 ? undefined : new URLSearchParams(url.slice(question + 1))
  const { headers } = request
  if (request.method !== 'POST') {
    throw new MillraceError('METHOD_NOT_ALLOWED', `${request.method} is not what sends data.`, { fix: 'Use POST.' })
  }
  const target = targetOf(path, headers['millrace-type'] ?? query?.get('type') ?? undefined, table)
  if (target.route !== undefined) producer.check(target.route)
  // Node types it as a list because any header may repeat; checkHeaders has made sure that it does not.
  const key = headers['idempotency-key'] as string | undefined
  return {
    target,
    producer,
    media: mediaTypeOf(headers['content-type']),
    id: key === undefined ? undefined : idempotencyKey(key),
    failuresOnly: query?.get('receipts') === 'failures' || headers.prefer === 'return=minimal',
  }
}

/** @throws TOPIC_UNKNOWN */
function targetOf(path: string, type: string | string[] | undefined, table: RouteTable): Target {
  const target = table.target(path)
  if (target === undefined) throw unknownTopic(topicOfPath(path))
  if (target.route !== undefined || type === undefined) return target
  return { ...target, route: table.route(String(type)) }
}

/** Reads `Idempotency-Key`: any text, or the quoted string of the IETF's draft. @throws HEADER_INVALID */
function idempotencyKey(header: string): string {
  const id = header.length > 1 && header.startsWith('"') && header.endsWith('"') ? header.slice(1, -1) : header
  if (id.length > 0 && id.length <= MAX_ID_BYTES && PRINTABLE.test(id)) return id
  throw new MillraceError('HEADER_INVALID', 'The Idempotency-Key cannot be used.', {
    fix: `Send 1 to ${MAX_ID_BYTES} printable ASCII characters.`,
  })
}
