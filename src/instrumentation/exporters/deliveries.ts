/** Says once that something does not arrive, and once that it does again. Bounded by the exporters that there are. */
export class Deliveries {
  readonly #away = new Set<string>()
  readonly #warn: (text: string) => void
  readonly #info: (text: string) => void

  constructor(say: { warn(text: string): void; info(text: string): void }) {
    this.#warn = text => say.warn(text)
    this.#info = text => say.info(text)
  }

  /** @param error why it did not arrive, or undefined. */
  note(what: string, to: string, error: unknown): void {
    const name = `${what} ${to}`
    if (error === undefined) {
      if (this.#away.delete(name)) this.#info(`${what} reach ${to} again.`)
    } else if (!this.#away.has(name)) {
      this.#away.add(name)
      this.#warn(`${what} do not reach ${to}: ${reasonOf(error)} Data flow on, and it is tried again and again.`)
    }
  }
}

function reasonOf(error: unknown): string {
  // Where several addresses were tried, the message is empty and the first of them says it.
  const first = error instanceof AggregateError && error.message === '' ? error.errors[0] : error
  const text = first instanceof Error ? first.message : String(first)
  return /[.!?]$/.test(text) ? text : `${text}.`
}
