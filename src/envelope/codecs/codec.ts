import type { DataId } from '../data-id.ts'
import type { Envelope } from '../envelope.ts'

/**
 * An envelope as bytes and back, exact for any payload. Every codec has the same fields by the same names (see `WireEnvelope`):
 * ids are UUID strings and `created` is RFC 3339 text in all of them; only `data` differs, base64 in JSON and bytes elsewhere.
 * A reader is a little wider than the writers: it takes an id as its 16 bytes and `created` as the format's own time, any offset,
 * null for an absent field, and ignores fields that it does not know.
 * @throws CODEC_INVALID, with an issue for each field that is wrong, naming it and what was expected.
 */
export interface Codec {
  readonly name: 'json' | 'msgpack' | 'bson'
  /** Its media type, in lower case without parameters. */
  readonly contentType: string
  encode(envelope: Envelope): Uint8Array
  decode(bytes: Uint8Array): Envelope
  /** As a producer may send it: everything but `data` may be missing. */
  decodeSubmitted(bytes: Uint8Array): Submitted
}

/** What a producer sent in an envelope of its own; the front end fills in the rest. */
export interface Submitted {
  /** The producer's own id: any text of at most 255 bytes, see `suppliedId`. */
  readonly id?: string
  /** At most 255 bytes of UTF-8. A key's own source goes before it. */
  readonly source?: string
  readonly createdMs?: number
  readonly data: Uint8Array
  /** The topic asked for. */
  readonly type?: string
  readonly contentType?: string
  readonly parents?: readonly DataId[]
}
