/** Takes a stream of bytes apart into lines of UTF-8 text; a line longer than allowed is told of and passed over. */
export class Lines {
  readonly #most: number
  readonly #line: (text: string) => void
  readonly #tooLong: (start: string) => void
  #held: Buffer[] = []
  #bytes = 0
  #skipping = false

  /** @param most bytes of a line, its end left out. */
  constructor(most: number, line: (text: string) => void, tooLong: (start: string) => void) {
    this.#most = most
    this.#line = line
    this.#tooLong = tooLong
  }

  push(chunk: Buffer): void {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#hold(chunk.subarray(from, end))
      this.#finish()
      from = end + 1
    }
    if (from < chunk.length) this.#hold(chunk.subarray(from))
  }

  /** The stream has ended: what is left is a line, too. */
  end(): void {
    if (this.#bytes > 0) this.#finish()
  }

  #hold(part: Buffer): void {
    if (this.#skipping) return
    this.#held.push(part)
    this.#bytes += part.length
    if (this.#bytes <= this.#most) return
    this.#skipping = true
    this.#tooLong(Buffer.concat(this.#held).toString('utf8', 0, SHOWN_BYTES))
    this.#held = []
  }

  #finish(): void {
    const text = this.#held.length === 1 ? this.#held[0]!.toString('utf8') : Buffer.concat(this.#held).toString('utf8')
    const skipped = this.#skipping
    this.#held = []
    this.#bytes = 0
    this.#skipping = false
    if (!skipped) this.#line(text)
  }
}

const NEWLINE = 0x0a
const SHOWN_BYTES = 100
