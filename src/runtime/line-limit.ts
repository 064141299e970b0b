import type { Clock } from '../clock.ts'
import { TokenBucket } from '../token-bucket.ts'

/** So many lines at once, and so many a second in the long run, are what a person or a log collector can do something with. */
const BURST = 100
const PER_SECOND = 20
/** How often it is said what was left out. */
const SUMMARY_MS = 10_000
const MOST_CHARACTERS = 4_000

/** Lets through what a program writes, as long as it does not write without end: then it says how much it has left out. */
export class LineLimit {
  readonly #clock: Clock
  readonly #say: (line: string) => void
  readonly #allowed: TokenBucket
  #leftOut = 0

  constructor(clock: Clock, say: (line: string) => void) {
    this.#clock = clock
    this.#say = say
    this.#allowed = new TokenBucket(PER_SECOND, clock, BURST)
  }

  line(text: string): void {
    if (this.#allowed.left < 1) {
      this.#leaveOut()
      return
    }
    this.#allowed.take(1)
    this.#say(
      text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}… (${text.length - MOST_CHARACTERS} more characters)` : text,
    )
  }

  #leaveOut(): void {
    this.#leftOut++
    if (this.#leftOut > 1) return
    this.#clock.after(SUMMARY_MS, () => {
      this.#say(`It writes more than ${PER_SECOND} lines a second: ${this.#leftOut} were left out in the last ${SUMMARY_MS / 1_000} s.`)
      this.#leftOut = 0
    })
  }
}
