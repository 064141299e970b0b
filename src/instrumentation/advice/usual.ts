const POINT_MS = 10_000
const MOST_MS = 3_600_000
/** What is younger may be what is unusual. */
const SETTLED_MS = 60_000
const FEWEST = 3

/** What a measure usually is: the median of its points of the last hour, but for the last minute. */
export class Usual {
  readonly #points: { readonly atMs: number; readonly value: number }[] = []

  /** A measure, often; a point is kept of each ten seconds. */
  note(atMs: number, value: number): void {
    const last = this.#points.at(-1)
    if (last !== undefined && atMs - last.atMs < POINT_MS) return
    this.#points.push({ atMs, value })
    while (this.#points[0]!.atMs < atMs - MOST_MS) this.#points.shift()
  }

  /** @returns undefined as long as there are too few points. */
  at(nowMs: number): number | undefined {
    const settled = this.#points.filter(({ atMs }) => atMs <= nowMs - SETTLED_MS).map(({ value }) => value)
    if (settled.length < FEWEST) return undefined
    return settled.toSorted((a, b) => a - b)[settled.length >> 1]
  }
}
