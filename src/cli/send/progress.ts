import { paintNotice } from '../output.ts'
import { grouped } from '../table.ts'
import type { Tally } from './tally.ts'

/** How often it is drawn: on a terminal in place, else a line now and then for the log. */
const DRAW_MS = 200
const LINE_MS = 10_000

/** How far a sending is, on stderr. Nothing is drawn for what is over at once. */
export class Progress {
  readonly #tally: Tally
  readonly #fraction: () => number | undefined
  readonly #startedMs = Date.now()
  readonly #timer: NodeJS.Timeout
  #note = ''
  #drawn = false

  /** @param fraction of the input read so far, where its size is known. */
  constructor(tally: Tally, fraction: () => number | undefined) {
    this.#tally = tally
    this.#fraction = fraction
    this.#timer = setInterval(() => this.#draw(), process.stderr.isTTY ? DRAW_MS : LINE_MS)
    this.#timer.unref()
  }

  /** What it is waiting for, until something is sent again. */
  waiting(why: string): void {
    const isNew = this.#note === ''
    this.#note = why
    if (isNew && !process.stderr.isTTY) process.stderr.write(`Waiting: ${why}\n`)
  }

  moved(): void {
    this.#note = ''
  }

  end(): void {
    clearInterval(this.#timer)
    if (this.#drawn && process.stderr.isTTY) process.stderr.write('\r\x1b[2K')
  }

  #draw(): void {
    const seconds = (Date.now() - this.#startedMs) / 1_000
    const fraction = this.#fraction()
    const part = fraction === undefined ? '' : `${Math.floor(fraction * 100)} %, `
    const text = `${part}${grouped(this.#tally.settled)} sent, ${grouped(Math.round(this.#tally.settled / seconds))}/s${this.#note === '' ? '' : ` (waiting: ${this.#note})`}`
    this.#drawn = true
    process.stderr.write(
      process.stderr.isTTY ? `\r\x1b[2K${paintNotice('dim', text.slice(0, (process.stderr.columns || 80) - 1))}` : `${text}\n`,
    )
  }
}
