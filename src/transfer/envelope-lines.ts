import { jsonCodec } from '../envelope/codecs/json.ts'
import type { FrameCursor } from '../envelope/frame.ts'
import { compress } from '../storage/formats/compression.ts'
import type { Encoder, Format, Sink } from '../storage/formats/format.ts'
import type { Gathered } from '../storage/formats/gathered.ts'
import type { Topic } from '../stream/topic.ts'

const CHUNK_BYTES = 256 * 1024
const NEWLINE = 0x0a
/** The last time that a date can say (ECMA-262 §21.4.1.1). */
const FURTHEST_MS = 8.64e15
const EXTENSIONS = { zstd: 'ndjson.zst', gzip: 'ndjson.gz', none: 'ndjson' } as const

export type LinesCompression = keyof typeof EXTENSIONS

/**
 * NDJSON of envelopes as every wire has them, `data` in base64: exact for any datum, whatever its content type. (A lake's NDJSON has
 * JSON data inline, for people and query engines.)
 */
export class EnvelopeLines implements Format {
  readonly extension: string
  readonly chunkBytes = CHUNK_BYTES
  readonly #compression: LinesCompression

  constructor(compression: LinesCompression) {
    this.extension = EXTENSIONS[compression]
    this.#compression = compression
  }

  gather(cursor: FrameCursor, offset: number, topic: Topic, _ascii: boolean, into: Gathered): string | undefined {
    if (!(Math.abs(cursor.createdMs) <= FURTHEST_MS)) return `its time ${cursor.createdMs} is none`
    const line = jsonCodec.encode(cursor.envelope(topic.name))
    into.reserve(line.length + 1)
    into.bytes.set(line, into.length)
    into.length += line.length
    into.bytes[into.length++] = NEWLINE
    into.span.add(offset, cursor.bytes, cursor.idAt)
    return undefined
  }

  encoder(): Encoder {
    return {
      encode: (gathered: Gathered, sink: Sink) => {
        sink.append(compress(this.#compression, gathered.view()))
        sink.holds(gathered.span)
      },
      finish: () => undefined,
    }
  }
}
