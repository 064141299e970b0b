import { paintNotice } from '../output.ts'
import { grouped } from '../table.ts'

/** How often it is drawn: on a terminal in place, else a line now and then for the log. */
const DRAW_MS = 200
const LINE_MS = 10_000

/** How far a transfer is, on stderr. Nothing is drawn for what is over at once. */
export class Progress {
  readonly #word: string
  readonly #total: number | undefined
  readonly #startedMs = Date.now()
  readonly #timer: NodeJS.Timeout
  #count = 0
  #drawn = false

  /** @param word such as `exported`. @param total where it is known. */
  constructor(word: string, total?: number) {
    this.#word = word
    this.#total = total
    this.#timer = setInterval(() => this.#draw(), process.stderr.isTTY ? DRAW_MS : LINE_MS)
    this.#timer.unref()
  }

  moved(count: number): void {
    this.#count += count
  }

  end(): void {
    clearInterval(this.#timer)
    if (this.#drawn && process.stderr.isTTY) process.stderr.write('\r\x1b[2K')
  }

  #draw(): void {
    this.#drawn = true
    const rate = Math.round(this.#count / ((Date.now() - this.#startedMs) / 1_000))
    const part = this.#total === undefined || this.#total === 0 ? '' : `${Math.floor((this.#count / this.#total) * 100)} %, `
    const text = `${part}${grouped(this.#count)} ${this.#word}, ${grouped(rate)}/s`
    process.stderr.write(
      process.stderr.isTTY ? `\r\x1b[2K${paintNotice('dim', text.slice(0, (process.stderr.columns || 80) - 1))}` : `${text}\n`,
    )
  }
}
