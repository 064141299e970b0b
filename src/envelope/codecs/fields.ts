import { type Issue, MillraceError } from '../../errors.ts'
import { type DataId, formatId, ID_BYTES, isDataId } from '../data-id.ts'
import type { Envelope } from '../envelope.ts'
import { parseTime } from '../time.ts'
import type { Submitted } from './codec.ts'

const MAX_TEXT_BYTES = 255
const MAX_PARENTS = 65_535
/** RFC 9110 §8.3: visible ASCII and spaces, so that it can be a header again. */
const MEDIA_TYPE = /^[\x21-\x7e]+\/[\x20-\x7e]+$/

/** How a codec carries `data`. `bytes` gives undefined where the value is not that. */
export interface DataForm {
  readonly expected: string
  bytes(value: unknown): Uint8Array | undefined
}

/** A whole envelope from what a codec has parsed. @throws CODEC_INVALID */
export function readEnvelope(parsed: unknown, form: DataForm): Envelope {
  const fields = new Fields(parsed)
  const envelope = {
    dataId: fields.required('data_id', fields.uuid('data_id')),
    source: fields.required('source', fields.text('source')),
    createdMs: fields.required('created', fields.time('created')),
    data: fields.required('data', fields.data(form)),
    ...readRest(fields),
  }
  fields.check()
  // check() has thrown where a required field is missing.
  return envelope as Envelope
}

/** A producer's envelope, which may lack everything but its data. @throws CODEC_INVALID */
export function readSubmitted(parsed: unknown, form: DataForm): Submitted {
  const fields = new Fields(parsed)
  const id = fields.suppliedId('data_id')
  const source = fields.text('source')
  const createdMs = fields.time('created')
  const data = fields.required('data', fields.data(form))
  const rest = readRest(fields)
  fields.check()
  return {
    ...(id === undefined ? {} : { id }),
    ...(source === undefined ? {} : { source }),
    ...(createdMs === undefined ? {} : { createdMs }),
    // check() has thrown where it is missing.
    data: data as Uint8Array,
    ...rest,
  }
}

function readRest(fields: Fields): Pick<Envelope, 'type' | 'contentType' | 'parents'> {
  const type = fields.text('type')
  const contentType = fields.mediaType('content_type')
  const parents = fields.parents('parents')
  return {
    ...(type === undefined ? {} : { type }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(parents === undefined ? {} : { parents }),
  }
}

/** Reads field by field and gathers what is wrong, so that a producer hears of everything at once. */
class Fields {
  readonly #object: Readonly<Record<string, unknown>>
  readonly #issues: Issue[] = []

  constructor(parsed: unknown) {
    if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) {
      throw codecInvalid([{ path: '', message: `Expected an envelope with named fields, received ${nameOf(parsed)}` }])
    }
    // Any object may be asked for own properties; their values are judged one by one below.
    this.#object = parsed as Readonly<Record<string, unknown>>
  }

  required<T>(name: string, value: T | undefined): T | undefined {
    if (value === undefined && this.#value(name) === undefined) this.#issues.push({ path: name, message: 'Required' })
    return value
  }

  text(name: string): string | undefined {
    return this.#judge(name, `1 to ${MAX_TEXT_BYTES} bytes of text`, value => (isText(value) ? value : undefined))
  }

  uuid(name: string): DataId | undefined {
    return this.#judge(name, 'a UUID', readUuid)
  }

  suppliedId(name: string): string | undefined {
    return this.#judge(name, `1 to ${MAX_TEXT_BYTES} bytes of text`, value => (isText(value) ? value : readUuid(value)))
  }

  time(name: string): number | undefined {
    return this.#judge(name, 'an RFC 3339 time with an offset, such as 2017-01-01T00:00:00Z', value => {
      const ms = value instanceof Date ? value.getTime() : typeof value === 'string' ? parseTime(value) : undefined
      return Number.isNaN(ms) ? undefined : ms
    })
  }

  mediaType(name: string): string | undefined {
    return this.#judge(name, `a media type of at most ${MAX_TEXT_BYTES} characters`, value =>
      typeof value === 'string' && value.length <= MAX_TEXT_BYTES && MEDIA_TYPE.test(value) ? value : undefined,
    )
  }

  data(form: DataForm): Uint8Array | undefined {
    return this.#judge('data', form.expected, form.bytes)
  }

  parents(name: string): readonly DataId[] | undefined {
    return this.#judge(name, `a list of at most ${MAX_PARENTS} UUIDs`, value => {
      if (!Array.isArray(value) || value.length > MAX_PARENTS) return undefined
      const ids = value.map(readUuid)
      return ids.every(id => id !== undefined) ? ids : undefined
    })
  }

  check(): void {
    if (this.#issues.length > 0) throw codecInvalid(this.#issues)
  }

  #judge<T>(name: string, expected: string, read: (value: unknown) => T | undefined): T | undefined {
    const value = this.#value(name)
    if (value === undefined) return undefined
    const accepted = read(value)
    if (accepted === undefined) this.#issues.push({ path: name, message: `Expected ${expected}, received ${nameOf(value)}` })
    return accepted
  }

  /** Own fields only: a name such as `constructor` must not find what every object inherits. */
  #value(name: string): unknown {
    return Object.hasOwn(this.#object, name) ? (this.#object[name] ?? undefined) : undefined
  }
}

function readUuid(value: unknown): DataId | undefined {
  if (typeof value === 'string') return isDataId(value.toLowerCase()) ? value.toLowerCase() : undefined
  const bytes = bytesOf(value)
  return bytes?.length === ID_BYTES ? formatId(bytes, 0) : undefined
}

/** Binary as the libraries give it: bytes, or (BSON's subtypes) an object around them. */
export function bytesOf(value: unknown): Uint8Array | undefined {
  if (value instanceof Uint8Array) return value
  if (typeof value === 'object' && value !== null && 'buffer' in value && value.buffer instanceof Uint8Array) return value.buffer
  return undefined
}

/** Well-formed only: a lone surrogate has no UTF-8, and would become another character on the way. */
function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '' && value.isWellFormed() && Buffer.byteLength(value) <= MAX_TEXT_BYTES
}

function nameOf(value: unknown): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'string') return value.length > 60 ? `text of ${value.length} characters` : JSON.stringify(value)
  if (typeof value === 'object') return value instanceof Uint8Array ? `${value.length} bytes` : 'an object'
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : typeof value
}

export function codecInvalid(issues: readonly Issue[], cause?: unknown): MillraceError {
  const what = issues.map(issue => (issue.path === '' ? issue.message : `${issue.path}: ${issue.message}`)).join('; ')
  return new MillraceError('CODEC_INVALID', `${what}.`, { issues, ...(cause === undefined ? {} : { cause }) })
}
