import { deserialize, serialize, setInternalBufferSize } from 'bson'
import { BSON_OPTIONS } from '../content.ts'
import { toWire } from '../envelope.ts'
import type { Codec } from './codec.ts'
import { bytesOf, codecInvalid, type DataForm, readEnvelope, readSubmitted } from './fields.ts'

/** What the fields beside `data` take at most (every parent takes 48 bytes besides). */
const FIELDS_BYTES = 4_096
const PARENT_BYTES = 64

const binary: DataForm = { expected: 'binary', bytes: bytesOf }

/** BSON (https://bsonspec.org): a document with `data` as binary; an id may also come as a UUID (subtype 4), `created` as a date. */
export const bsonCodec: Codec = {
  name: 'bson',
  contentType: 'application/vnd.millrace.envelope+bson',
  encode(envelope) {
    // The library serialises into one buffer of its own, of 17 MB unless told, and fails beyond it.
    setInternalBufferSize(envelope.data.length + FIELDS_BYTES + (envelope.parents?.length ?? 0) * PARENT_BYTES)
    return serialize(toWire(envelope, envelope.data))
  },
  decode: bytes => readEnvelope(parse(bytes), binary),
  decodeSubmitted: bytes => readSubmitted(parse(bytes), binary),
}

function parse(bytes: Uint8Array): unknown {
  try {
    return deserialize(bytes, BSON_OPTIONS)
  } catch (cause) {
    throw codecInvalid([{ path: '', message: `Expected a BSON document: ${cause instanceof Error ? cause.message : cause}` }], cause)
  }
}
