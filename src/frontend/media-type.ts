import { codecFor } from '../envelope/codecs/index.ts'
import { isJsonType } from '../envelope/content.ts'
import { JSON_TYPE } from '../envelope/envelope.ts'
import { MillraceError } from '../errors.ts'

/** How a body is to be taken apart. */
export type BodyKind = 'json' | 'value' | 'envelope' | 'lines' | 'envelope-lines'

export interface MediaType {
  readonly kind: BodyKind
  /** What is stored as the content type of a single datum. */
  readonly contentType: string
}

const LINES = new Set([
  'application/x-ndjson',
  'application/ndjson',
  'application/jsonl',
  'application/jsonlines',
  'application/x-jsonlines',
])
const ENVELOPE_LINES = 'application/vnd.millrace.envelope+ndjson'
const FORMS = new Set(['application/x-www-form-urlencoded', 'multipart/form-data'])
const PRINTABLE = /^[\x20-\x7e]+$/
const MAX_CONTENT_TYPE = 255
const MAX_REMEMBERED = 1_000

const remembered = new Map<string, MediaType>()
const JSON_BODY: MediaType = { kind: 'json', contentType: JSON_TYPE }

/**
 * Reads a Content-Type header. Absent means JSON.
 * @throws CONTENT_TYPE_UNSUPPORTED for a charset other than UTF-8 where there is text, and for forms; HEADER_INVALID where it is not a media type.
 */
export function mediaTypeOf(header: string | undefined): MediaType {
  if (header === undefined || header === JSON_TYPE) return JSON_BODY
  const known = remembered.get(header)
  if (known !== undefined) return known
  const read = readMediaType(header)
  // Producers choose the header: without a bound they could fill the memory with its variants.
  if (remembered.size >= MAX_REMEMBERED) remembered.clear()
  remembered.set(header, read)
  return read
}

function readMediaType(header: string): MediaType {
  const value = header.trim()
  const essence = value.split(';', 1)[0]!.trim().toLowerCase()
  if (!essence.includes('/') || value.length > MAX_CONTENT_TYPE || !PRINTABLE.test(value)) {
    throw new MillraceError('HEADER_INVALID', `Content-Type is ${JSON.stringify(value.slice(0, 80))}.`, {
      fix: 'Send a media type of at most 255 ASCII characters, such as application/json.',
    })
  }
  if (FORMS.has(essence)) {
    throw new MillraceError('CONTENT_TYPE_UNSUPPORTED', `A form (${essence}) is not a datum.`, {
      fix: "Send JSON with its type: curl -H 'content-type: application/json' …",
    })
  }
  const kind = kindOf(essence)
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(value)?.[1]?.toLowerCase()
  const isText = kind !== 'value' || essence.startsWith('text/')
  if (isText && charset !== undefined && charset !== 'utf-8' && charset !== 'utf8' && charset !== 'us-ascii') {
    throw new MillraceError('CONTENT_TYPE_UNSUPPORTED', `The charset is ${charset}.`, { fix: 'Send text as UTF-8.' })
  }
  return { kind, contentType: essence === JSON_TYPE ? JSON_TYPE : kind === 'value' ? value : essence }
}

function kindOf(essence: string): BodyKind {
  if (LINES.has(essence)) return 'lines'
  if (essence === ENVELOPE_LINES) return 'envelope-lines'
  if (codecFor(essence) !== undefined) return 'envelope'
  return isJsonType(essence) ? 'json' : 'value'
}
