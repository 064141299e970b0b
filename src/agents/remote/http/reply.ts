import type { IncomingHttpHeaders } from 'node:http'
import { MillraceError } from '../../../errors.ts'
import type { RemoteAgentFacts } from '../../remote.ts'
import { type Answer, broken, isObject, readResults, shown } from '../messages.ts'
import { Away } from '../service.ts'
import { nameOf } from './place.ts'

export interface Reply {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly text: string
}

const FIXES: Readonly<Record<number, string>> = {
  401: 'Correct the header that authorizes it (headers).',
  403: 'Grant what the headers name the right to it.',
  404: 'Correct the URL.',
  405: 'Let it take POST there, or correct the URL.',
}

/**
 * What a reply says of the data of its request.
 * @param service as messages begin: `The service of mood@1 (https://mood.example)`.
 * @throws Away, BODY_TOO_LARGE, AGENT_CRASHED, REMOTE_BROKEN.
 */
export function answersIn(reply: Reply, service: string, url: URL, { to, addressed, clock }: RemoteAgentFacts): readonly Answer[] {
  const { status, headers, text } = reply
  if (status === 200) return resultsIn(text, new Map(to.map(target => [target.name, target])), addressed)
  const what = `${service} answered with status ${status}${text.trim() === '' ? '' : `, ${shown(text.trim())}`}.`
  if (status === 413) throw new MillraceError('BODY_TOO_LARGE', what, { fix: 'Let it take more, or send it less.' })
  if (status >= 300 && status < 400) throw redirected(status, headers.location, service, url)
  const afterMs = retryAfterMs(headers['retry-after'], clock.now())
  const fix = FIXES[status]
  if (fix !== undefined || status === 429) throw new Away(away(what, fix), { afterMs })
  // One that says when it is back speaks of itself. Else it may be a gateway that speaks, which does not know why nobody answered.
  if (status === 502 || status === 503 || status === 504) throw new Away(away(what), { afterMs, unsure: afterMs === undefined })
  if (status >= 500) throw new MillraceError('AGENT_CRASHED', what)
  throw broken(`it answered with status ${status} where results are due${text.trim() === '' ? '' : `, ${shown(text.trim())}`}`)
}

function resultsIn(text: string, ...rest: [Parameters<typeof readResults>[1], boolean]): readonly Answer[] {
  let reply: unknown
  try {
    reply = JSON.parse(text)
  } catch {
    throw broken(`it answered ${shown(text)}, which is no JSON`)
  }
  if (!isObject(reply)) throw broken(`it answered ${shown(text)}, which has no results`)
  return readResults(reply.results, ...rest)
}

/** Whoever answers elsewhere is not who was asked: our headers are not for him, nor are the data. */
function redirected(status: number, location: string | undefined, service: string, from: URL): Away {
  const to = location === undefined ? null : URL.parse(location, from.href)
  const where = to === null ? 'elsewhere' : `to ${nameOf(to)}`
  return new Away(away(`${service} redirects ${where} (status ${status}), and redirects are not followed.`, 'Give the URL that it is at.'))
}

export function away(what: string, fix?: string, cause?: unknown): MillraceError {
  return new MillraceError('REMOTE_UNAVAILABLE', what, { ...(fix === undefined ? {} : { fix }), ...(cause === undefined ? {} : { cause }) })
}

/** Seconds, or a date (RFC 9110, 10.2.3). Undefined where it says neither. */
export function retryAfterMs(value: string | undefined, nowMs: number): number | undefined {
  if (value === undefined) return undefined
  const text = value.trim()
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000
  const dateMs = Date.parse(text)
  return Number.isNaN(dateMs) ? undefined : Math.max(0, dateMs - nowMs)
}
