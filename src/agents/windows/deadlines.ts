/** Something that ends. */
export interface Ending {
  readonly endMs: number
}

interface Added<T> {
  readonly atMs: number
  readonly turn: number
  readonly of: T
}

/** What ends next, of many, and of those that end together the one that was added first: a binary heap, so that of a hundred thousand open windows one that closes costs a few comparisons. */
export class Deadlines<T extends Ending> {
  readonly #heap: Added<T>[] = []
  #added = 0

  /** The earliest end noted; Infinity where there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY
  }

  /** Notes when it ends as of now: where its end moves later, {@link take} finds it too early and it is noted again. */
  add(of: T): void {
    const heap = this.#heap
    const added = { atMs: of.endMs, turn: this.#added++, of }
    let at = heap.push(added) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (isBefore(heap[above]!, added)) break
      heap[at] = heap[above]!
      at = above
    }
    heap[at] = added
  }

  /** Takes out what {@link nextMs} speaks of. Only where there is something. */
  take(): T {
    const heap = this.#heap
    const first = heap[0]!
    const last = heap.pop()!
    let at = 0
    for (let below = 1; below < heap.length; below = at * 2 + 1) {
      if (below + 1 < heap.length && isBefore(heap[below + 1]!, heap[below]!)) below++
      if (isBefore(last, heap[below]!)) break
      heap[at] = heap[below]!
      at = below
    }
    if (heap.length > 0) heap[at] = last
    return first.of
  }
}

/** No two are the same, so that it does not depend on what the heap held before. */
function isBefore(one: Added<unknown>, other: Added<unknown>): boolean {
  return one.atMs < other.atMs || (one.atMs === other.atMs && one.turn < other.turn)
}
