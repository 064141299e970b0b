/** Something that ends. */
export interface Ending {
  readonly endMs: number
}

/** What ends next, of many: a binary heap, so that of a hundred thousand open windows one that closes costs a few comparisons. */
export class Deadlines<T extends Ending> {
  readonly #heap: { readonly atMs: number; readonly of: T }[] = []

  /** The earliest end noted; Infinity where there is none. */
  get nextMs(): number {
    return this.#heap[0]?.atMs ?? Number.POSITIVE_INFINITY
  }

  /** Notes when it ends as of now: where its end moves later, {@link take} finds it too early and it is noted again. */
  add(of: T): void {
    const heap = this.#heap
    const added = { atMs: of.endMs, of }
    let at = heap.push(added) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (heap[above]!.atMs <= added.atMs) break
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
      if (below + 1 < heap.length && heap[below + 1]!.atMs < heap[below]!.atMs) below++
      if (heap[below]!.atMs >= last.atMs) break
      heap[at] = heap[below]!
      at = below
    }
    if (heap.length > 0) heap[at] = last
    return first.of
  }
}
