/** What became of the last data looks back on so many, */
export const LAST_DATA = 100
/** and not further than this: what failed long ago says nothing of how an agent is. */
const LAST_MS = 600_000

/** What became of an agent's last data, unit by unit: whole units, the fewest that make up {@link LAST_DATA}. */
export class LastOutcomes {
  /** At most as many as there are data looked back on, for each has one at least. */
  readonly #units: { readonly data: number; readonly dead: number; readonly atMs: number }[] = []
  #data = 0
  #dead = 0

  add(data: number, dead: number, nowMs: number): void {
    if (data === 0) return
    this.#units.push({ data, dead, atMs: nowMs })
    this.#data += data
    this.#dead += dead
    while (this.#data - this.#units[0]!.data >= LAST_DATA) this.#drop()
  }

  read(nowMs: number): { readonly data: number; readonly dead: number } {
    while (this.#units.length > 0 && this.#units[0]!.atMs < nowMs - LAST_MS) this.#drop()
    return { data: this.#data, dead: this.#dead }
  }

  #drop(): void {
    const oldest = this.#units.shift()
    this.#data -= oldest?.data ?? 0
    this.#dead -= oldest?.dead ?? 0
  }
}
