import { isJsonType, unquoted } from '../envelope/content.ts'
import type { MillraceError } from '../errors.ts'
import { OTHERS, type Rejection } from '../instrumentation/recorder.ts'
import { masked, sayIssue } from '../stream/masked.ts'
import type { Route } from './routes.ts'

/** Reasons that are told apart in one request; what else there is, is counted together. */
const MOST_REASONS = 20
const MAX_REASON_LENGTH = 200
const SAMPLE_CHARACTERS = 512
/** A datum that is larger is not parsed a second time, only to hide some of it. */
const MAX_MASKED_LENGTH = 65_536

/** A datum as its producer wrote it. */
export interface Raw {
  readonly data: Uint8Array | string
  readonly contentType: string
  /** It is an envelope around the datum. */
  readonly isEnvelope: boolean
}

/** Why data of one request were rejected. Made where some were: what is accepted costs nothing of it. */
export class Rejections {
  /** Data that name no topic there is. */
  unrouted = 0
  readonly #reasons = new Map<string, { readonly reason: string; count: number; readonly sample: string | null }>()

  /** @param raw the datum, which is asked for once a reason. */
  add(why: Pick<MillraceError, 'code' | 'message' | 'issues'>, route: Route | undefined, raw: () => Raw | undefined): void {
    if (route === undefined) this.unrouted++
    const own = reasonOf(why, route)
    // One of them is the others'.
    const reason = this.#reasons.has(own) || this.#reasons.size < MOST_REASONS - 1 ? own : OTHERS
    const known = this.#reasons.get(reason)
    if (known !== undefined) known.count++
    else this.#reasons.set(reason, { reason, count: 1, sample: reason === OTHERS ? null : sampleOf(raw(), route) })
  }

  get reasons(): readonly Rejection[] {
    return [...this.#reasons.values()]
  }
}

/** `demand: megawatts: Expected number`, `demand: BODY_MALFORMED: …`. */
export function reasonOf({ code, message, issues }: Pick<MillraceError, 'code' | 'message' | 'issues'>, route: Route | undefined): string {
  const [first] = issues ?? []
  const what = first === undefined ? `${code}: ${unquoted(message)}` : sayIssue(first, route?.topic ?? {})
  const text = route === undefined ? what : `${route.name}: ${what}`
  return (text.length > MAX_REASON_LENGTH ? `${text.slice(0, MAX_REASON_LENGTH - 1)}…` : text).toWellFormed()
}

/** Of a datum without a topic nobody can say what is to be hidden. */
function sampleOf(raw: Raw | undefined, route: Route | undefined): string | null {
  if (raw === undefined || route === undefined) return null
  const { data, contentType, isEnvelope } = raw
  const isJson = isJsonType(contentType) || isEnvelope
  if (!isJson && !contentType.startsWith('text/')) return null
  if (route.topic.mask === undefined) return beginning(textOf(data))
  if (isEnvelope || !isJson || data.length > MAX_MASKED_LENGTH) return null
  try {
    return beginning(JSON.stringify(masked(route.topic, JSON.parse(typeof data === 'string' ? data : Buffer.from(data).toString('utf8')))))
  } catch {
    // What is no JSON has no fields that could be found and hidden.
    return null
  }
}

/** Enough of it: a character has four bytes at most. */
function textOf(data: Uint8Array | string): string {
  return typeof data === 'string' ? data : Buffer.from(data.subarray(0, SAMPLE_CHARACTERS * 4)).toString('utf8')
}

function beginning(text: string): string {
  return text.slice(0, SAMPLE_CHARACTERS).toWellFormed()
}
