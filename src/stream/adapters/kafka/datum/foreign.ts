import { isUtf8 } from 'node:buffer'
import { hash } from 'node:crypto'
import type { Codec, Submitted } from '../../../../envelope/codecs/codec.ts'
import { type DataId, Deriver, ID_BYTES, isDataId, parseId, suppliedId } from '../../../../envelope/data-id.ts'
import { JSON_TYPE } from '../../../../envelope/envelope.ts'
import { isMillraceError } from '../../../../errors.ts'
import type { RecordCursor } from '../wire/record.ts'
import { CODECS } from './encode.ts'
import type { RecordHeaders, Span } from './record-headers.ts'

/** Where a record lies in the cluster, and when it was appended. */
export interface RecordPlace {
  readonly kafkaTopic: string
  readonly partition: number
  offset: number
  timestampMs: number
}

/** A datum as a record gives it, with every gap filled. */
export interface ForeignDatum {
  readonly id: Uint8Array
  readonly source: string
  readonly createdMs: number
  readonly type: string
  readonly contentType: string
  readonly parents: readonly DataId[]
  readonly data: Uint8Array
}

const SOURCE = 'kafka'
const BYTES_TYPE = 'application/octet-stream'
const MAX_LABEL_BYTES = 255
const MAX_KEY_BYTES = 65_535
const MEDIA_TYPE = /^[\x21-\x7e]+\/[\x20-\x7e]+$/
const OPENING_BRACE = 0x7b

/**
 * Any record as a datum, whoever wrote it: an envelope in any codec and order of fields, a plain value, a tombstone. Headers count before
 * the envelope's fields; what neither says is filled in from the record. Nothing is refused here: what claims to be an envelope and is
 * none is passed on as bytes, so that the agent's schema sends it to the dead letters instead of its stopping the partition.
 */
export function readForeign(record: RecordCursor, headers: RecordHeaders, place: RecordPlace): ForeignDatum {
  const { bytes } = record
  const valueType = label(bytes, headers.contentType)
  const submitted = readSubmitted(record.value, valueType)
  const source = label(bytes, headers.source) ?? submitted?.source ?? SOURCE
  const id = label(bytes, headers.dataId) ?? submitted?.id
  return {
    id: id === undefined ? positionId(place) : idOf(source, id),
    source,
    createdMs: headers.readCreated(bytes) ?? submitted?.createdMs ?? place.timestampMs,
    type: label(bytes, headers.type) ?? submitted?.type ?? '',
    contentType: submitted === undefined ? plainType(record.value, valueType) : (submitted.contentType ?? JSON_TYPE),
    parents: submitted?.parents ?? [],
    data: submitted?.data ?? record.value,
  }
}

/** The record's key as text: what is not UTF-8 as hex, what no frame could hold as its hash, so that equal keys stay equal. */
export function keyText(bytes: Buffer, at: number, end: number): string {
  let text = bytes.toString('utf8', at, end)
  // What is not UTF-8 is decoded to this character; so is the character itself.
  if (text.includes('\uFFFD') && !isUtf8(bytes.subarray(at, end))) text = bytes.toString('hex', at, end)
  return text.length <= MAX_KEY_BYTES / 3 || Buffer.byteLength(text) <= MAX_KEY_BYTES
    ? text
    : hash('sha256', bytes.subarray(at, end), 'hex')
}

function readSubmitted(value: Buffer, valueType: string | undefined): Submitted | undefined {
  const codec = valueType === undefined ? undefined : codecOf(valueType)
  if (codec !== undefined) return decoded(codec, value)
  // A producer that sets no headers may still send the envelope itself.
  const looksLikeOne = valueType === undefined && value[0] === OPENING_BRACE && value.includes('"data_id"') && value.includes('"data"')
  return looksLikeOne ? decoded(CODECS.json, value) : undefined
}

function decoded(codec: Codec, value: Buffer): Submitted | undefined {
  try {
    return codec.decodeSubmitted(value)
  } catch (error) {
    // It is none: passed on as it is.
    if (isMillraceError(error, 'CODEC_INVALID')) return undefined
    throw error
  }
}

function codecOf(valueType: string): Codec | undefined {
  const type = valueType.split(';', 1)[0]!.trim().toLowerCase()
  return Object.values(CODECS).find(codec => codec.contentType === type)
}

function plainType(value: Buffer, valueType: string | undefined): string {
  if (valueType !== undefined) return codecOf(valueType) === undefined && MEDIA_TYPE.test(valueType) ? valueType : BYTES_TYPE
  if (!isUtf8(value)) return BYTES_TYPE
  try {
    JSON.parse(value.toString('utf8'))
    return JSON_TYPE
  } catch {
    // Not JSON, and nothing else is claimed of it.
    return BYTES_TYPE
  }
}

/** A short text of a header; undefined where it is none that a frame could hold. */
function label(bytes: Buffer, { at, end }: Span): string | undefined {
  if (at < 0 || end === at || end - at > MAX_LABEL_BYTES) return undefined
  const part = bytes.subarray(at, end)
  return isUtf8(part) ? part.toString('utf8') : undefined
}

/** An id that is a UUID is kept, whatever its version: derived ids are of version 8. Anything else becomes one, as at the front end. */
function idOf(source: string, id: string): Uint8Array {
  const lower = id.toLowerCase()
  return isDataId(lower) ? parseId(lower) : suppliedId(source, id)
}

/** UUIDv8 of (topic, partition, offset) with the timestamp in its first 48 bits: every reader gives the record the same. */
function positionId({ kafkaTopic, partition, offset, timestampMs }: RecordPlace): Uint8Array {
  const cause = Buffer.alloc(ID_BYTES)
  cause.writeUIntBE(Math.min(Math.max(timestampMs, 0), 2 ** 48 - 1), 0, 6)
  cause.writeBigUInt64BE(BigInt(offset), 8)
  const id = Buffer.alloc(ID_BYTES)
  new Deriver(SOURCE, partition, kafkaTopic).into(id, 0, cause, 0, 0)
  return id
}
