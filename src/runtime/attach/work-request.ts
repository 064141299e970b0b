import type { IncomingMessage } from 'node:http'
import { MillraceError } from '../../errors.ts'
import { jsonText, parseJson } from '../../frontend/json.ts'

/** What a request is for. */
export interface WorkRequest {
  /** name@version, as it was written. */
  readonly agent: string
  readonly what: 'claim' | 'commit'
}

const PATH = /^\/v1\/agents\/([^/?]{1,300})\/(claim|commit)$/
const SHOWN = 64

/** @throws ROUTE_UNKNOWN, METHOD_NOT_ALLOWED */
export function readWorkRequest({ url = '/', method }: IncomingMessage): WorkRequest {
  const match = PATH.exec(url)
  if (match === null) {
    throw new MillraceError('ROUTE_UNKNOWN', `There is nothing at ${method} ${JSON.stringify(url.slice(0, SHOWN))}.`, {
      fix: 'Work is taken by POST /v1/agents/{name}@{version}/claim and handed in by POST /v1/agents/{name}@{version}/commit.',
    })
  }
  if (method !== 'POST') throw new MillraceError('METHOD_NOT_ALLOWED', `${method} takes no work.`, { fix: 'Use POST.' })
  // Clients may write the @ as %40. Nothing else that is written so can be in an agent's name.
  return { agent: match[1]!.replaceAll('%40', '@'), what: match[2] as WorkRequest['what'] } // one of the two that the pattern allows
}

/** How much a worker claims, and how long it waits for it. */
export interface ClaimWish {
  readonly most: number
  readonly waitMs: number
}

const DEFAULT_MOST = 500
const DEFAULT_WAIT_MS = 20_000
const MAX_DEPTH = 2

/** Reads a claim's body; nothing at all asks for what is usual. @param mostWaitMs a longer wait is cut to it. @throws BODY_MALFORMED */
export function readClaimWish(body: Buffer, mostWaitMs: number): ClaimWish {
  const wish: unknown = body.length === 0 ? {} : parseJson(jsonText(body), MAX_DEPTH)
  if (typeof wish !== 'object' || wish === null) throw malformed('it is no object')
  const { most = DEFAULT_MOST, wait_ms: waitMs = DEFAULT_WAIT_MS } = wish as { most?: unknown; wait_ms?: unknown } // read member by member
  if (!isCount(most, 1)) throw malformed(`most is ${JSON.stringify(most)}`)
  if (!isCount(waitMs, 0)) throw malformed(`wait_ms is ${JSON.stringify(waitMs)}`)
  return { most, waitMs: Math.min(waitMs, mostWaitMs) }
}

function isCount(value: unknown, least: number): value is number {
  return Number.isSafeInteger(value) && (value as number) >= least // isSafeInteger is false for all that is no number
}

function malformed(what: string): MillraceError {
  return new MillraceError('BODY_MALFORMED', `The claim cannot be read: ${what}.`, {
    fix: 'Send {"most": 500, "wait_ms": 20000}, whole numbers, or no body.',
  })
}
