import { once } from 'node:events'
import { styleText } from 'node:util'

type Style = Parameters<typeof styleText>[0]

/** Where a command speaks: data on stdout, everything else on stderr, so that a pipe carries data alone. */
export class Output {
  /** One JSON document, or a JSON document a line where data stream. */
  readonly json: boolean
  #drained: Promise<unknown> | undefined

  constructor(json: boolean) {
    this.json = json
  }

  /** A person is there to answer and to watch. */
  get interactive(): boolean {
    return process.stdin.isTTY === true && process.stderr.isTTY === true
  }

  /** One line of data. The promise, where there is one, resolves when a slow reader has caught up. */
  line(text: string): Promise<unknown> | undefined {
    if (process.stdout.write(`${text}\n`)) return undefined
    // One wait for all the lines until then: a listener for each would be thousands.
    this.#drained ??= once(process.stdout, 'drain').finally(() => {
      this.#drained = undefined
    })
    return this.#drained
  }

  /** A command's whole answer: the value with --json, its drawing without. */
  answer(value: unknown, draw: () => string): void {
    const text = this.json ? JSON.stringify(value) : draw()
    if (text !== '') process.stdout.write(`${text}\n`)
  }

  /** For the person, not for the pipe. */
  notice(text: string): void {
    process.stderr.write(`${text}\n`)
  }
}

/**
 * Text of a producer's or an agent's, for a terminal: what would move its cursor, change its title or turn text round is shown as its
 * code instead. Line breaks and tabs stay.
 */
export function plain(text: string): string {
  return text.replace(CONTROL, character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROL = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g

/** Colour on stdout, where it is a terminal and NO_COLOR is not set. */
export function paint(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout })
}

/** Colour on stderr. */
export function paintNotice(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stderr })
}

/** Resolves when everything said so far is out: a process that exits before cuts off what a pipe has not taken yet. */
export async function written(): Promise<void> {
  for (const stream of [process.stdout, process.stderr]) await new Promise<unknown>(resolve => stream.write('', resolve))
}

/**
 * `millrace tap | head` closes the pipe under us: that is a normal end, not an error. Whatever is still open is only read, and the
 * operating system lets go of it.
 */
export function endWithPipe(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(0)
      throw error
    })
  }
}
