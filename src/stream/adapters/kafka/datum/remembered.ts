/** The label read last, such as a source: the next datum mostly has the same, and comparing bytes is cheaper than making a text of them. */
export class Remembered {
  #bytes = Buffer.alloc(0)
  #text = ''

  /** The label as text. */
  text(bytes: Buffer, at: number, end: number): string {
    this.#take(bytes, at, end)
    return this.#text
  }

  /** The label's bytes, in a buffer of their own. */
  bytes(bytes: Buffer, at: number, end: number): Buffer {
    this.#take(bytes, at, end)
    return this.#bytes
  }

  #take(bytes: Buffer, at: number, end: number): void {
    if (isAt(this.#bytes, bytes, at, end)) return
    this.#bytes = Buffer.from(bytes.subarray(at, end))
    this.#text = this.#bytes.toString('utf8')
  }
}

/** Whether `bytes` has exactly `label` from `at` to `end`. */
export function isAt(label: Uint8Array, bytes: Uint8Array, at: number, end = at + label.length): boolean {
  if (end - at !== label.length) return false
  for (let i = 0; i < label.length; i++) if (label[i] !== bytes[at + i]) return false
  return true
}
