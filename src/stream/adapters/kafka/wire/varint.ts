/*
 * Kafka's records hold lengths and deltas as zigzag varints (Protocol Buffers' encoding, https://protobuf.dev/programming-guides/encoding/).
 * Whole numbers below 2^31 here: lengths, deltas and counts of one batch.
 */

export function varintBytes(value: number): number {
  const zigzag = value >= 0 ? value * 2 : -value * 2 - 1
  return zigzag < 0x80 ? 1 : zigzag < 0x4000 ? 2 : zigzag < 0x20_0000 ? 3 : zigzag < 0x1000_0000 ? 4 : 5
}

/** @returns where the next byte goes. */
export function writeVarint(target: Uint8Array, at: number, value: number): number {
  let zigzag = value >= 0 ? value * 2 : -value * 2 - 1
  while (zigzag >= 0x80) {
    target[at++] = (zigzag & 0x7f) | 0x80
    zigzag = Math.floor(zigzag / 128)
  }
  target[at++] = zigzag
  return at
}

/** Reads varints one after the other; no object for each. */
export class VarintReader {
  readonly bytes: Buffer
  at: number

  constructor(bytes: Buffer, at = 0) {
    this.bytes = bytes
    this.at = at
  }

  /** A signed number, exact below 2^53. A reader that runs out of bytes is at fault in the caller's eyes: `at` is then beyond the end. */
  next(): number {
    const { bytes } = this
    let byte = bytes[this.at++] ?? 0
    let zigzag = byte & 0x7f
    for (let scale = 128; byte >= 0x80 && scale < 2 ** 53; scale *= 128) {
      byte = bytes[this.at++] ?? 0
      zigzag += (byte & 0x7f) * scale
    }
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2
  }
}
