const FIRST_MS = 200
const LONGEST_MS = 10_000

/**
 * Pauses between tries of a stream that is away: each up to twice the one before, and between half and all of that by chance, so that
 * many front ends do not come back in one moment.
 */
export class Pauses {
  readonly #random: () => number
  #nextMs = FIRST_MS

  constructor(random: () => number) {
    this.#random = random
  }

  next(): number {
    const ms = this.#nextMs
    this.#nextMs = Math.min(LONGEST_MS, ms * 2)
    return ms * (0.5 + this.#random() / 2)
  }

  /** It was there: the next pause is the first again. */
  reset(): void {
    this.#nextMs = FIRST_MS
  }
}
