/** Fetches of one client that wait for their partition to grow. */
export class Waiters {
  readonly #byPlace = new Map<number, Set<() => void>>()

  /** Resolves when the place grows, or the signal aborts. */
  wait(place: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const waiting = this.#byPlace.get(place) ?? new Set()
      this.#byPlace.set(place, waiting)
      const wake = () => {
        signal.removeEventListener('abort', wake)
        waiting.delete(wake)
        resolve()
      }
      signal.addEventListener('abort', wake, { once: true })
      waiting.add(wake)
    })
  }

  wake(place: number): void {
    for (const wake of [...(this.#byPlace.get(place) ?? [])]) wake()
  }

  wakeAll(): void {
    for (const place of this.#byPlace.keys()) this.wake(place)
  }
}
