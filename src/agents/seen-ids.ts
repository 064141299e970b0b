import { ID_BYTES } from '../envelope/data-id.ts'
import { IdSet } from '../envelope/id-set.ts'

/**
 * Copies follow each other closely: a producer or an agent sends again what it does not know the fate of. At least so many data apart they
 * are recognised, for 3 MB of a partition's memory at most.
 */
export const REMEMBERED = 50_000

/** The ids of a partition's last data: two generations, of which the older is forgotten when the younger is full. */
export class SeenIds {
  #older = new IdSet()
  #younger = new IdSet()

  /** Remembers the id. @returns whether it was remembered already. */
  meet(id: Uint8Array, at: number): boolean {
    if (this.#older.has(id, at) || !this.#younger.add(id, at)) return true
    if (this.#younger.count === REMEMBERED) {
      this.#older = this.#younger
      this.#younger = new IdSet()
    }
    return false
  }

  get content(): [Uint8Array, Uint8Array] {
    return [this.#older.bytes, this.#younger.bytes]
  }

  restore([older, younger]: readonly [Uint8Array, Uint8Array]): void {
    this.#older = setOf(older)
    this.#younger = setOf(younger)
  }
}

function setOf(bytes: Uint8Array): IdSet {
  const set = new IdSet()
  for (let at = 0; at < bytes.length; at += ID_BYTES) set.add(bytes, at)
  return set
}
