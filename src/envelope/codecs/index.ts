import { bsonCodec } from './bson.ts'
import type { Codec } from './codec.ts'
import { jsonCodec } from './json.ts'
import { msgpackCodec } from './msgpack.ts'

export type { Codec, Submitted } from './codec.ts'
export { submittedFromJson } from './json.ts'

export const codecs: readonly Codec[] = [jsonCodec, msgpackCodec, bsonCodec]

/** The codec of a content type, its parameters and case aside; undefined where it is not an envelope's. */
export function codecFor(contentType: string): Codec | undefined {
  const type = contentType.split(';', 1)[0]!.trim().toLowerCase()
  return codecs.find(codec => codec.contentType === type)
}
