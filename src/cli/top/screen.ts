/** Another screen than the shell's, without a cursor, whose lines do not wrap; what it has is drawn at once where the terminal knows how. */
const OPEN = '\x1b[?1049h\x1b[?25l\x1b[?7l'
const CLOSE = '\x1b[?7h\x1b[?25h\x1b[?1049l'
const [BEGIN, END] = ['\x1b[?2026h', '\x1b[?2026l']
const HOME = '\x1b[H'
const REST_OF_LINE = '\x1b[K'
const REST_OF_SCREEN = '\x1b[J'

/** The whole terminal, for a view that is drawn again and again. Disposing gives the shell its screen back as it was. */
export class Screen implements Disposable {
  readonly #terminal: NodeJS.WriteStream
  readonly #restore = () => void this.#terminal.write(CLOSE)

  constructor(terminal: NodeJS.WriteStream) {
    this.#terminal = terminal
    terminal.write(OPEN)
    // Ended at once, at a second Ctrl-C: the shell is not to be left without a cursor.
    process.once('exit', this.#restore)
  }

  get size(): { readonly columns: number; readonly rows: number } {
    return { columns: this.#terminal.columns, rows: this.#terminal.rows }
  }

  /** Over what stands there: nothing is cleared first, so that nothing flickers. */
  draw(lines: readonly string[]): void {
    // One that has not taken the last picture gets the next one.
    if (this.#terminal.writableNeedDrain) return
    this.#terminal.write(`${BEGIN}${HOME}${lines.map(line => line + REST_OF_LINE).join('\r\n')}${REST_OF_SCREEN}${END}`)
  }

  [Symbol.dispose](): void {
    process.off('exit', this.#restore)
    this.#restore()
  }
}
