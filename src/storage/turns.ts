/**
 * One at a time, in the order of asking. The rolls of an agent's partitions take turns, so that its memory is one roll's, whatever
 * the number of partitions.
 */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()

  /** Runs `work` when everything asked for before has ended. Where `signal` has aborted by then it is not run, and its reason thrown. */
  take<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const turn = this.#last.then(() => {
      signal.throwIfAborted()
      return work()
    })
    // What went wrong in one turn is its owner's to hear of, and no reason to hold up the next.
    this.#last = turn.then(
      () => undefined,
      () => undefined,
    )
    return turn
  }
}
