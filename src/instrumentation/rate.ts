/** How far back rates look. */
export const RATE_WINDOW_MS = 10_000
const SECONDS = RATE_WINDOW_MS / 1_000

/** Events in the last {@link RATE_WINDOW_MS}, counted in buckets of one second. */
export class Rate {
  readonly #counts = new Float64Array(SECONDS)
  /** The second that each bucket counts. */
  readonly #seconds = new Float64Array(SECONDS).fill(-1)
  #firstMs: number | undefined

  add(count: number, nowMs: number): void {
    const second = Math.floor(nowMs / 1_000)
    const at = second % SECONDS
    if (this.#seconds[at] !== second) {
      this.#seconds[at] = second
      this.#counts[at] = 0
    }
    this.#counts[at]! += count
    this.#firstMs ??= nowMs
  }

  /** Adds what went on all the time for `ms` until now, to each second its part: so that an hour's work that is told at its end is no burst. */
  addOver(ms: number, nowMs: number): void {
    // No further back than there are buckets: an older second's has begun to count a new one.
    const oldestMs = (Math.floor(nowMs / 1_000) - SECONDS + 1) * 1_000
    for (let atMs = Math.max(nowMs - ms, oldestMs); atMs < nowMs; ) {
      const endMs = Math.min(nowMs, (Math.floor(atMs / 1_000) + 1) * 1_000)
      this.add(endMs - atMs, atMs)
      atMs = endMs
    }
  }

  /** Events a second over the window, or over the time since the first event where that is shorter (but at least 1 s). */
  perSecond(nowMs: number): number {
    if (this.#firstMs === undefined) return 0
    const second = Math.floor(nowMs / 1_000)
    let sum = 0
    for (let i = 0; i < SECONDS; i++) if (this.#seconds[i]! > second - SECONDS && this.#seconds[i]! <= second) sum += this.#counts[i]!
    // The current second is not over: the window is its part and the nine before it.
    const window = (SECONDS - 1) * 1_000 + (nowMs - second * 1_000)
    return sum / (Math.max(1_000, Math.min(window, nowMs - this.#firstMs)) / 1_000)
  }
}

/** The last values of something, for quantiles of what is recent. */
export class Recent {
  static readonly MAX = 512
  readonly #values = new Float64Array(Recent.MAX)
  #count = 0

  add(value: number): void {
    this.#values[this.#count % Recent.MAX] = value
    this.#count++
  }

  /** The q-quantile (nearest rank) of the last values; undefined before the first. */
  quantile(q: number): number | undefined {
    const size = Math.min(this.#count, Recent.MAX)
    if (size === 0) return undefined
    const sorted = this.#values.slice(0, size).sort()
    return sorted[Math.min(size - 1, Math.max(0, Math.ceil(q * size) - 1))]
  }
}
