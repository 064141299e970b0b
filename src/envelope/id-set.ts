import { ID_BYTES } from './data-id.ts'

const FIRST_CAPACITY = 64
/** Of the table's slots, at most this share is used. */
const MAX_LOAD = 0.5

/** A set of ids as bytes: 16 for each id and 8 to 16 for its place, exact, in the order of adding. A JavaScript Set of strings takes several times that. */
export class IdSet {
  #ids = Buffer.allocUnsafe(FIRST_CAPACITY * ID_BYTES)
  /** Open addressing: an id's index + 1, 0 where the slot is free. */
  #table = new Int32Array(FIRST_CAPACITY / MAX_LOAD)
  #count = 0

  get count(): number {
    return this.#count
  }

  /** All ids, in the order of adding, as a view. */
  get bytes(): Uint8Array {
    return this.#ids.subarray(0, this.#count * ID_BYTES)
  }

  has(id: Uint8Array, at: number): boolean {
    return this.indexOf(id, at) >= 0
  }

  /** Which one it was, in the order of adding from 0; −1 where it is not in the set. */
  indexOf(id: Uint8Array, at: number): number {
    return this.#table[this.#slot(id, at)]! - 1
  }

  /** @returns whether it is new. */
  add(id: Uint8Array, at: number): boolean {
    const slot = this.#slot(id, at)
    if (this.#table[slot] !== 0) return false
    if (this.#count * ID_BYTES === this.#ids.length) {
      this.#grow()
      return this.add(id, at)
    }
    const to = this.#count * ID_BYTES
    for (let i = 0; i < ID_BYTES; i++) this.#ids[to + i] = id[at + i]!
    this.#table[slot] = ++this.#count
    return true
  }

  /** Where the id is, or the free slot where it belongs. */
  #slot(id: Uint8Array, at: number): number {
    const mask = this.#table.length - 1
    // The last four bytes are random or a hash in every kind of id; those before them stir in what a caller's own UUID may repeat.
    const tail = (id[at + 12]! << 24) | (id[at + 13]! << 16) | (id[at + 14]! << 8) | id[at + 15]!
    const middle = (id[at + 8]! << 24) | (id[at + 9]! << 16) | (id[at + 10]! << 8) | id[at + 11]!
    for (let slot = (tail ^ Math.imul(middle, 0x9e3779b1)) & mask; ; slot = (slot + 1) & mask) {
      const index = this.#table[slot]!
      if (index === 0 || this.#isAt(index - 1, id, at)) return slot
    }
  }

  #isAt(index: number, id: Uint8Array, at: number): boolean {
    const from = index * ID_BYTES
    for (let i = ID_BYTES - 1; i >= 0; i--) if (this.#ids[from + i] !== id[at + i]) return false
    return true
  }

  #grow(): void {
    const { bytes } = this
    this.#ids = Buffer.allocUnsafe(bytes.length * 2)
    this.#ids.set(bytes)
    this.#table = new Int32Array(this.#table.length * 2)
    for (let index = 0; index < this.#count; index++) this.#table[this.#slot(this.#ids, index * ID_BYTES)] = index + 1
  }
}
