import { MillraceError } from '../../errors.ts'
import type { AppendBatch, Appended } from '../../stream/stream.ts'

/** They are held for a moment only, while their producers wait: more than this is not one moment's. */
const MAX_BYTES = 64 * 1024 * 1024

interface Waiting {
  readonly batches: readonly AppendBatch[]
  readonly resolve: (appended: Promise<Appended[]>) => void
}

/** Appends that wait to be told where to go. Not acknowledged, so nothing is lost with them. */
export class Held {
  #waiting: Waiting[] = []
  #bytes = 0

  /** Resolves as the append does that {@link release} makes of it. @throws OVERLOADED */
  async add(batches: readonly AppendBatch[]): Promise<Appended[]> {
    const bytes = batches.reduce((sum, batch) => sum + batch.frames.length, 0)
    if (this.#waiting.length > 0 && this.#bytes + bytes > MAX_BYTES) {
      throw new MillraceError('OVERLOADED', `${this.#bytes} bytes wait for the stream to be handed over to.`, { fix: 'Send again later.' })
    }
    this.#bytes += bytes
    return new Promise(resolve => this.#waiting.push({ batches, resolve }))
  }

  /** Lets all of them go on, in the order in which they came. */
  release(append: (batches: readonly AppendBatch[]) => Promise<Appended[]>): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#bytes = 0
    for (const { batches, resolve } of waiting) resolve(append(batches))
  }
}
