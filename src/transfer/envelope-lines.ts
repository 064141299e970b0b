import { jsonCodec } from '../envelope/codecs/json.ts'
import type { FrameCursor } from '../envelope/frame.ts'
import type { Gathered } from '../storage/formats/gathered.ts'
import { Ndjson, type NdjsonCompression } from '../storage/formats/ndjson.ts'
import type { Topic } from '../stream/topic.ts'

const NEWLINE = 0x0a
/** The last time that a date can say (ECMA-262 §21.4.1.1). */
const FURTHEST_MS = 8.64e15

/**
 * NDJSON of envelopes as every wire has them, `data` in base64: exact for any datum, whatever its content type. (A lake's NDJSON has
 * JSON data inline, for people and query engines.)
 */
export class EnvelopeLines extends Ndjson {
  constructor(compression: NdjsonCompression) {
    super(true, compression)
  }

  override gather(cursor: FrameCursor, offset: number, topic: Topic, _ascii: boolean, into: Gathered): string | undefined {
    if (!(Math.abs(cursor.createdMs) <= FURTHEST_MS)) return `its time ${cursor.createdMs} is none`
    const line = jsonCodec.encode(cursor.envelope(topic.name))
    into.reserve(line.length + 1)
    into.bytes.set(line, into.length)
    into.length += line.length
    into.bytes[into.length++] = NEWLINE
    into.span.add(offset, cursor.bytes, cursor.idAt)
    return undefined
  }
}
