/** The first restart comes at once to a person's eye; one that keeps failing settles at the longest pause. */
const FIRST_MS = 100
const LONGEST_MS = 10_000
/** A thread that has run this long has proven itself: the next pause is the first again. */
const PROVEN_MS = 30_000

/** Pauses between the restarts of a thread, doubling while it keeps ending soon after its start. */
export class Backoff {
  #nextMs = FIRST_MS

  /** The pause before the next start, given how long the thread ran. */
  pauseMs(ranMs: number): number {
    if (ranMs >= PROVEN_MS) this.#nextMs = FIRST_MS
    const pause = this.#nextMs
    this.#nextMs = Math.min(LONGEST_MS, pause * 2)
    return pause
  }
}
