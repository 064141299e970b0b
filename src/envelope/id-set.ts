import { randomInt } from 'node:crypto'
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
    for (let slot = hashOf(id, at) & mask; ; slot = (slot + 1) & mask) {
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

/** Of this process alone: who chooses ids must not choose where they meet. */
const SEED = randomInt(0x7fffffff)

/** All 16 bytes, four at a time, mixed as MurmurHash3 does (https://github.com/aappleby/smhasher): a producer's own UUIDs may differ in any of them. */
function hashOf(id: Uint8Array, at: number): number {
  let hash = SEED
  for (let i = 0; i < ID_BYTES; i += 4) {
    const word = (id[at + i]! << 24) | (id[at + i + 1]! << 16) | (id[at + i + 2]! << 8) | id[at + i + 3]!
    const mixed = Math.imul(word, 0xcc9e2d51)
    hash ^= Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593)
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64
  }
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
