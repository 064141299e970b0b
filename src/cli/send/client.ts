import { type Issue, MillraceError } from '../../errors.ts'
import { errorOfProblem, reasonOf } from '../problem.ts'

/** Where and as whom data are sent. */
export interface Destination {
  readonly url: string
  readonly topic: string
  readonly key?: string
}

/** One datum of a request: its id makes sending it again safe. */
export interface Outgoing {
  readonly id: string
  readonly data: Buffer
}

export type Answer =
  /** A receipt for each datum; those that are `accepted` are counted only. */
  | {
      readonly kind: 'receipts'
      readonly accepted: number
      readonly duplicate: number
      readonly failures: readonly Failure[]
      /** The data_id of a datum that was sent alone, where it is stored. */
      readonly dataId?: string
      readonly afterMs: number
    }
  /** Not stored as far as is known: send the same again. */
  | { readonly kind: 'again'; readonly why: string; readonly afterMs: number }
  /** Send it in smaller parts. */
  | { readonly kind: 'too large' }

export interface Failure {
  readonly index: number
  readonly retry: boolean
  readonly issues: readonly Issue[]
}

const TIMEOUT_MS = 60_000
const ENVELOPES = 'application/vnd.millrace.envelope+ndjson'

/** Sends a batch once. @throws MillraceError where sending it again would be no use: no such topic, no valid key. */
export async function post(to: Destination, batch: readonly Outgoing[]): Promise<Answer> {
  const url = `${to.url}/v1/topics/${encodeURIComponent(to.topic)}/batch${batch.length === 1 ? '' : '?receipts=failures'}`
  const body = batch.map(({ id, data }) => `{"data_id":"${id}","data":"${data.toString('base64')}"}`).join('\n')
  const headers = { 'content-type': ENVELOPES, ...(to.key === undefined ? {} : { authorization: `Bearer ${to.key}` }) }
  let response: Response
  let text: string
  try {
    response = await fetch(url, { method: 'POST', body, headers, signal: AbortSignal.timeout(TIMEOUT_MS) })
    text = await response.text()
  } catch (error) {
    // Whatever breaks on the way, before the answer or within it: it is not known what was stored, and the ids make it safe to ask again.
    return { kind: 'again', why: `${to.url}: ${reasonOf(error)}`, afterMs: 0 }
  }
  const afterMs = Number(response.headers.get('retry-after') ?? 0) * 1_000 || 0
  if (response.status === 413) return { kind: 'too large' }
  const answer = readAnswer(text)
  if (answer !== undefined) return { ...answer, afterMs }
  if (response.status === 429 || response.status >= 500)
    return { kind: 'again', why: errorOfProblem(to.url, response.status, text).message, afterMs }
  throw errorOfProblem(to.url, response.status, text)
}

function readAnswer(text: string): Omit<Answer & { kind: 'receipts' }, 'afterMs'> | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
  if (typeof value !== 'object' || value === null || !('receipts' in value) || !Array.isArray(value.receipts)) return undefined
  // The front end's own answer: docs/frontend.md.
  const { accepted, duplicate, receipts } = value as { accepted: number; duplicate: number; receipts: WireReceipt[] }
  const failures = receipts
    .filter(receipt => receipt.status === 'rejected' || receipt.status === 'retry')
    .map(receipt => ({
      // No line that is sent is empty, so the n-th line is the n-th datum.
      index: receipt.line - 1,
      retry: receipt.status === 'retry',
      issues: receipt.issues ?? [{ path: '', message: receipt.detail ?? 'no reason was given' }],
    }))
  const only = receipts.length === 1 ? receipts[0] : undefined
  const stored = only?.status === 'accepted' || only?.status === 'duplicate' ? only.data_id : undefined
  return { kind: 'receipts', accepted, duplicate, failures, ...(stored === undefined ? {} : { dataId: stored }) }
}

interface WireReceipt {
  readonly line: number
  readonly data_id?: string
  readonly status: 'accepted' | 'duplicate' | 'rejected' | 'retry'
  readonly detail?: string
  readonly issues?: readonly Issue[]
}

/** @throws USAGE where it is no http URL. */
export function checkUrl(text: string, what: string): string {
  const url = URL.parse(text)
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    throw new MillraceError('USAGE', `${what} is ${JSON.stringify(text)}.`, { fix: 'It must be a URL such as http://127.0.0.1:7070.' })
  return text.replace(/\/+$/, '')
}
