import { type Deriver, ID_BYTES } from '../envelope/data-id.ts'
import type { FrameCursor } from '../envelope/frame.ts'

/** Of outputs of one datum to one topic, so many are told apart by their index. */
const MOST = 64

/** Which of a datum's outputs to a topic one is: it is in no envelope, and the id was derived from it. */
export class OutputIndex {
  readonly #deriver: Deriver
  readonly #id = Buffer.allocUnsafe(ID_BYTES)

  constructor(deriver: Deriver) {
    this.#deriver = deriver
  }

  /** Counted from 0; undefined where it is none of the first, or was derived from something else than its first parent. */
  of(cursor: FrameCursor): number | undefined {
    for (let index = 0; index < MOST; index++) {
      this.#deriver.into(this.#id, 0, cursor.parents, 0, index)
      if (this.#id.compare(cursor.bytes, cursor.idAt, cursor.idAt + ID_BYTES) === 0) return index
    }
    return undefined
  }
}
