import type { DataId } from './data-id.ts'

/** A datum and what is known of it. `data` is what the producer sent, byte for byte. */
export interface Envelope {
  readonly dataId: DataId
  /** Who produced it: the API key's source, or `agent@version` for an output. At most 255 bytes of UTF-8. */
  readonly source: string
  /** When it was produced: milliseconds since 1970 UTC; RFC 3339 on the wire. */
  readonly createdMs: number
  readonly data: Uint8Array
  /** Its topic. */
  readonly type?: string
  /** Media type of `data`; absent means `application/json`. */
  readonly contentType?: string
  /** The data it was derived from: the datum handled first, then the rest of its window. */
  readonly parents?: readonly DataId[]
}

/** An envelope's fields on a wire, before a codec has made `data` text or bytes of its own kind. */
export interface WireEnvelope<Data> {
  data_id: string
  source: string
  created: string
  data: Data
  type?: string
  content_type?: string
  parents?: string[]
}

/** The one place where TypeScript's names become the wire's. */
export function toWire<Data>(envelope: Envelope, data: Data): WireEnvelope<Data> {
  return {
    data_id: envelope.dataId,
    source: envelope.source,
    created: new Date(envelope.createdMs).toISOString(),
    data,
    ...(envelope.type === undefined ? {} : { type: envelope.type }),
    ...(envelope.contentType === undefined ? {} : { content_type: envelope.contentType }),
    ...(envelope.parents === undefined ? {} : { parents: [...envelope.parents] }),
  }
}

export const JSON_TYPE = 'application/json'
