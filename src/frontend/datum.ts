import { decodeData } from '../envelope/content.ts'
import { JSON_TYPE } from '../envelope/envelope.ts'
import { type Validated, validate } from '../envelope/schema.ts'
import { type Issue, MillraceError } from '../errors.ts'
import { isValueDeeper, jsonText, parseJson } from './json.ts'
import type { Limits } from './limits.ts'
import type { Route } from './routes.ts'

/** A datum that has been read and not been judged yet. */
export interface Incoming {
  readonly route: Route
  readonly value: unknown
  /** As its producer sent it. */
  readonly data: Uint8Array | string
  /** `data` is text that is known to be ASCII. */
  readonly asciiText?: boolean
  readonly contentType: string
  readonly sourceBytes: Uint8Array
  readonly createdMs: number
  /** The producer's own id as a data_id's 16 bytes; undefined where one is to be minted. */
  readonly suppliedId: Uint8Array | undefined
  /** Concatenated ids. */
  readonly parents: Uint8Array
}

/** The datum's key where its topic has one, or why it is rejected. */
export type Judged = { readonly key: string | undefined } | MillraceError

const MAX_KEY_BYTES = 1024

/** Decodes what a producer sent, within the limits. @throws BODY_MALFORMED */
export function readValue(contentType: string, data: Buffer, limits: Limits): unknown {
  if (contentType === JSON_TYPE || /\+json\s*(;|$)/i.test(contentType)) return parseJson(jsonText(data), limits.depth)
  const value = decodeData(contentType, data)
  if (isValueDeeper(value, limits.depth)) {
    throw new MillraceError('BODY_MALFORMED', `The datum is nested more than ${limits.depth} deep.`, {
      fix: 'Flatten it, or raise the limit depth.',
    })
  }
  return value
}

/** Asks the topic's schema, then for its key. Never throws: a schema or key function that does rejects the datum. */
export function judge(route: Route, value: unknown): Judged | Promise<Judged> {
  try {
    const validated = validate(route.topic.schema, value)
    return validated instanceof Promise
      ? validated.then(
          settled => keyOf(route, settled),
          error => broken('schema', error),
        )
      : keyOf(route, validated)
  } catch (error) {
    return broken('schema', error)
  }
}

function keyOf(route: Route, validated: Validated<unknown>): Judged {
  if (validated.issues !== undefined) return rejection(validated.issues)
  if (route.topic.keyOf === undefined) return NO_KEY
  let key: unknown
  try {
    key = route.topic.keyOf(validated.value)
  } catch (error) {
    return broken('key', error)
  }
  if (typeof key !== 'string') return rejection([{ path: '', message: `Expected text as the datum's key, received ${typeof key}` }])
  if (key.length * 3 > MAX_KEY_BYTES && Buffer.byteLength(key) > MAX_KEY_BYTES) {
    return rejection([{ path: '', message: `Expected a key of at most ${MAX_KEY_BYTES} bytes, received ${Buffer.byteLength(key)}` }])
  }
  return { key }
}

const NO_KEY: Judged = { key: undefined }

export function rejection(issues: readonly Issue[]): MillraceError {
  const what = issues.map(issue => (issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`)).join('; ')
  return new MillraceError('DATUM_INVALID', `${what}.`, { issues })
}

function broken(what: string, error: unknown): MillraceError {
  const message = error instanceof Error ? error.message : String(error)
  return rejection([{ path: '', message: `The topic's ${what} cannot take this datum: ${message}` }])
}
