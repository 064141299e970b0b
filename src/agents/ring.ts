import { ID_BYTES } from '../envelope/data-id.ts'

const FIRST_CAPACITY = 8

/**
 * The last `size` data of one key: their values, and their ids in one buffer. It is filled from the end backwards, so that from the
 * newest on they lie newest to oldest and a window's ids are copied in two pieces.
 */
export class Ring {
  readonly #size: number
  #values: unknown[]
  #ids: Buffer
  #newest = 0
  #held = 0

  constructor(size: number) {
    this.#size = size
    const capacity = Math.min(size, FIRST_CAPACITY)
    this.#values = new Array<unknown>(capacity)
    this.#ids = Buffer.allocUnsafe(capacity * ID_BYTES)
  }

  get held(): number {
    return this.#held
  }

  push(value: unknown, id: Uint8Array, idAt: number): void {
    if (this.#held === this.#values.length && this.#held < this.#size) this.#grow()
    const capacity = this.#values.length
    const at = this.#newest === 0 ? capacity - 1 : this.#newest - 1
    this.#values[at] = value
    const idTo = at * ID_BYTES
    for (let i = 0; i < ID_BYTES; i++) this.#ids[idTo + i] = id[idAt + i]!
    this.#newest = at
    if (this.#held < capacity) this.#held++
  }

  /** The values, oldest first, in an array of its own. */
  toArray(): unknown[] {
    const values = new Array<unknown>(this.#held)
    const capacity = this.#values.length
    let from = this.#newest
    for (let to = this.#held - 1; to >= 0; to--) {
      values[to] = this.#values[from]
      if (++from === capacity) from = 0
    }
    return values
  }

  /** Copies the ids, newest first. @returns bytes copied. */
  idsInto(target: Buffer, at: number): number {
    const start = this.#newest * ID_BYTES
    const bytes = this.#held * ID_BYTES
    const straight = Math.min(bytes, this.#ids.length - start)
    this.#ids.copy(target, at, start, start + straight)
    if (straight < bytes) this.#ids.copy(target, at + straight, 0, bytes - straight)
    return bytes
  }

  #grow(): void {
    const capacity = Math.min(this.#size, this.#values.length * 2)
    const values = new Array<unknown>(capacity)
    const ids = Buffer.allocUnsafe(capacity * ID_BYTES)
    const newest = capacity - this.#held
    const oldestFirst = this.toArray()
    for (let i = 0; i < this.#held; i++) values[capacity - 1 - i] = oldestFirst[i]
    this.idsInto(ids, newest * ID_BYTES)
    this.#values = values
    this.#ids = ids
    this.#newest = newest
  }
}
