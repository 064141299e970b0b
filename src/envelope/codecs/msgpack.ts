import { Packr } from 'msgpackr'
import { toWire } from '../envelope.ts'
import { unpack } from '../msgpack.ts'
import type { Codec } from './codec.ts'
import { bytesOf, codecInvalid, type DataForm, readEnvelope, readSubmitted } from './fields.ts'

// Plain maps: msgpackr's record extension would be read by msgpackr alone.
const packr = new Packr({ useRecords: false })

const binary: DataForm = { expected: 'binary', bytes: bytesOf }

/** MessagePack (https://msgpack.org): a map with `data` as bin; an id may also come as a bin of 16 bytes, `created` as a timestamp. */
export const msgpackCodec: Codec = {
  name: 'msgpack',
  contentType: 'application/vnd.millrace.envelope+msgpack',
  // pack() gives a view of a buffer that it goes on to fill: what is handed out must be the caller's own.
  encode: envelope => Uint8Array.from(packr.pack(toWire(envelope, asBuffer(envelope.data)))),
  decode: bytes => readEnvelope(parse(bytes), binary),
  decodeSubmitted: bytes => readSubmitted(parse(bytes), binary),
}

/** msgpackr writes a Buffer as bin, and a plain Uint8Array as an extension in some versions. */
function asBuffer(data: Uint8Array): Buffer {
  return Buffer.from(data.buffer, data.byteOffset, data.byteLength)
}

function parse(bytes: Uint8Array): unknown {
  try {
    return unpack(bytes)
  } catch (cause) {
    throw codecInvalid([{ path: '', message: `Expected MessagePack: ${cause instanceof Error ? cause.message : cause}` }], cause)
  }
}
