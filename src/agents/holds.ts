/** Why an agent's data wait, gathered from all that can say so: the first reason is told, each change once. */
export class Holds {
  readonly #report: (reason: string | undefined) => void
  readonly #reasons = new Map<string, string>()
  #told: string | undefined

  /** @param report told the reason, and undefined when there is none any more. */
  constructor(report: (reason: string | undefined) => void) {
    this.#report = report
  }

  set(name: string, reason: string | undefined): void {
    if (reason === undefined) this.#reasons.delete(name)
    else this.#reasons.set(name, reason)
    const [first] = this.#reasons.values()
    if (first === this.#told) return
    this.#told = first
    this.#report(first)
  }
}
