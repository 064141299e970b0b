/** A buffer twice as large, or as large as needed, that begins with what the first `used` bytes of the old one are; nothing else is zeroed. */
export function grown(buffer: Buffer, used: number, need: number): Buffer<ArrayBuffer> {
  const larger = Buffer.allocUnsafeSlow(Math.max(need, buffer.length * 2))
  buffer.copy(larger, 0, 0, used)
  return larger
}
