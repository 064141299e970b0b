/** Who waits for which place to grow. Only those who asked are told, once: nobody polls, and an idle engine sends nothing. */
export class Wakers<C> {
  readonly #waiting = new Map<C, Set<number>>()

  wait(client: C, place: number): void {
    const places = this.#waiting.get(client)
    if (places === undefined) this.#waiting.set(client, new Set([place]))
    else places.add(place)
  }

  /** @returns for each client the places that it waited for; it waits no more for them. */
  grown(places: readonly number[]): Map<C, number[]> {
    const woken = new Map<C, number[]>()
    for (const [client, waiting] of this.#waiting) {
      const found = places.filter(place => waiting.delete(place))
      if (found.length > 0) woken.set(client, found)
    }
    return woken
  }

  forget(client: C): void {
    this.#waiting.delete(client)
  }
}
