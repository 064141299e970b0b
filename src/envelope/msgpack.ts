import { Unpackr } from 'msgpackr'

/**
 * Reads one value of MessagePack as its specification has it (https://github.com/msgpack/msgpack/blob/master/spec.md): plain objects,
 * 64-bit integers as numbers where that is exact and as bigints where not, timestamps as Dates, bytes as views. The library alone
 * reads more: its own extensions, by which a producer could have functions, regular expressions and errors made of its bytes, and the
 * byte that stands for nothing, which it takes for a value.
 * @throws Error saying what was found, and where.
 */
export function unpack(bytes: Uint8Array): unknown {
  checkStandard(bytes)
  return unpackr.unpack(bytes)
}

const unpackr = new Unpackr({
  useRecords: false,
  structuredClone: false,
  // msgpackr knows 'auto'; its type declarations do not. It renames a `__proto__` key, so no datum reaches a prototype.
  int64AsType: 'auto' as 'number',
})

/** Extension types that are read: the specification's timestamp (−1), and `undefined` as JavaScript's libraries write it. */
const EXTENSIONS: readonly number[] = [0xff, 0]

/** Bytes of a head that is not followed by bytes of its own, from 0xc0 on; 0 where `lengthBytes` or an extension type says more. */
const WIDTHS = [1, 0, 1, 1, 0, 0, 0, 0, 0, 0, 5, 9, 2, 3, 5, 9, 2, 3, 5, 9, 0, 0, 0, 0, 0, 0, 0, 0, 3, 5, 3, 5]

/** Steps from head to head: a turn for each value, however long, and no deeper for what is nested. A value cut off is left to the library. */
function checkStandard(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  let at = 0
  while (at < bytes.length) {
    const head = bytes[at]!
    if (head < 0xa0 || head >= 0xe0) at++
    else if (head < 0xc0) at += 1 + (head & 0x1f)
    else if (head === 0xc1) throw new Error(`byte ${at} is 0xc1, which stands for nothing`)
    else if (WIDTHS[head - 0xc0]! > 0) at += WIDTHS[head - 0xc0]!
    else if (head >= 0xd4 && head <= 0xd8) at = extensionEnd(bytes, at + 1, 1 << (head - 0xd4))
    else {
      // bin, ext and str: each with 1, 2 or 4 bytes of length.
      const lengthBytes = 1 << ((head < 0xc7 ? head - 0xc4 : head < 0xca ? head - 0xc7 : head - 0xd9) & 3)
      if (at + 1 + lengthBytes > bytes.length) return
      const length = lengthBytes === 1 ? view.getUint8(at + 1) : lengthBytes === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1)
      const end = at + 1 + lengthBytes
      at = head >= 0xc7 && head < 0xca ? extensionEnd(bytes, end, length) : end + length
    }
  }
}

function extensionEnd(bytes: Uint8Array, at: number, length: number): number {
  const type = bytes[at]
  if (type !== undefined && !EXTENSIONS.includes(type))
    throw new Error(`byte ${at} begins an extension of type ${type > 127 ? type - 256 : type}, which is not of the specification`)
  return at + 1 + length
}
