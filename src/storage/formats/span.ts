import { type DataId, formatId, ID_BYTES } from '../../envelope/data-id.ts'

/** Which data are in a file: how many, from which to which. Offsets between may be missing: those are in other files. */
export class Span {
  count = 0
  firstOffset = -1
  lastOffset = -1
  readonly #first = new Uint8Array(ID_BYTES)
  readonly #last = new Uint8Array(ID_BYTES)

  get firstId(): DataId {
    return formatId(this.#first, 0)
  }

  get lastId(): DataId {
    return formatId(this.#last, 0)
  }

  /** Adds a datum that comes after all others, by its offset and its id's place. */
  add(offset: number, bytes: Uint8Array, idAt: number): void {
    // Copied: a view would keep the whole batch in memory, once for each open file.
    if (this.count === 0) {
      this.firstOffset = offset
      copyId(this.#first, bytes, idAt)
    }
    this.lastOffset = offset
    copyId(this.#last, bytes, idAt)
    this.count++
  }

  /** Adds data that come after all others. */
  extend(next: Span): void {
    if (next.count === 0) return
    if (this.count === 0) {
      this.firstOffset = next.firstOffset
      this.#first.set(next.#first)
    }
    this.lastOffset = next.lastOffset
    this.#last.set(next.#last)
    this.count += next.count
  }

  clear(): void {
    this.count = 0
  }
}

function copyId(target: Uint8Array, bytes: Uint8Array, at: number): void {
  for (let i = 0; i < ID_BYTES; i++) target[i] = bytes[at + i]!
}
