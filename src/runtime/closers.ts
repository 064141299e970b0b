/** What was opened, to be closed once, the last first, so that nothing is pulled from under what still uses it. */
export class Closers {
  readonly #open: { readonly name: string; readonly close: () => Promise<void> | void }[] = []
  #closing: Promise<void> | undefined

  add(name: string, close: () => Promise<void> | void): void {
    this.#open.push({ name, close })
  }

  /** Closes everything, also where something cannot be closed. @throws AggregateError of what could not, once all was tried. */
  close(): Promise<void> {
    this.#closing ??= this.#closeAll()
    return this.#closing
  }

  async #closeAll(): Promise<void> {
    const failures: Error[] = []
    for (let last = this.#open.pop(); last !== undefined; last = this.#open.pop()) {
      try {
        await last.close()
      } catch (cause) {
        failures.push(new Error(`${last.name}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }))
      }
    }
    if (failures.length > 0)
      throw new AggregateError(failures, `Not everything could be closed: ${failures.map(error => error.message).join('; ')}`)
  }
}
