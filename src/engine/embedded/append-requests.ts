import { FrameCursor } from '../../envelope/frame.ts'
import { MillraceError, toPortable } from '../../errors.ts'
import { inspect } from './frames.ts'
import type { Judged } from './id-index.ts'
import { type AppendException, ASCII, AT, BATCH_FIELDS, type Batches, COUNT, LENGTH, PLACE, type Slice, type ToWriter } from './messages.ts'
import type { Tables } from './tables.ts'
import type { PlacedRange } from './trace-rows.ts'

/** The batches of one message, on their way into the log. */
export class AppendRequests {
  readonly exceptions: AppendException[] = []
  readonly #tables: Tables
  readonly #message: ToWriter
  readonly #nowMs: number

  constructor(tables: Tables, message: ToWriter, nowMs: number) {
    this.#tables = tables
    this.#message = message
    this.#nowMs = nowMs
  }

  /** Appends each by itself: a batch that is not in order is refused alone. @returns first and count of each, alternating. */
  appendAll(batches: Batches): Float64Array<ArrayBuffer> {
    const appended = new Float64Array(batches.count * 2)
    for (let batch = batches.from; batch < batches.from + batches.count; batch++) {
      try {
        const { supplied } = inspect(this.#frames(batch), this.#field(batch, COUNT))
        const { first, end } = this.#append(batch, supplied)
        appended[batch * 2] = first
        appended[batch * 2 + 1] = end - first
      } catch (error) {
        if (!(error instanceof MillraceError)) throw error
        this.exceptions.push({ batch, duplicates: [], taken: [], error: toPortable(error) })
      }
    }
    return appended
  }

  /** Refuses a unit's batches before anything of the unit is written. @throws FRAME_CORRUPT */
  inspectAll(batches: Batches): boolean[] {
    return Array.from({ length: batches.count }, (_, i) => {
      return inspect(this.#frames(batches.from + i), this.#field(batches.from + i, COUNT)).supplied
    })
  }

  /** Appends a unit's batches. `supplied` is what {@link inspectAll} said of each. @returns where they are. */
  appendOutputs(batches: Batches, supplied: readonly boolean[]): PlacedRange[] {
    return supplied.map((flag, i) => this.#append(batches.from + i, flag))
  }

  bytes(slice: Slice): Uint8Array {
    return new Uint8Array(this.#message.arena, slice.at, slice.length)
  }

  #append(batch: number, supplied: boolean): PlacedRange {
    const place = this.#field(batch, PLACE)
    const ascii = this.#field(batch, ASCII) === 1
    let frames = this.#frames(batch)
    let count = this.#field(batch, COUNT)
    if (supplied) {
      const judged = this.#tables.ids.note(frames, place, this.#tables.log.next(place), this.#nowMs)
      const refused = judged.duplicates.length + judged.taken.length
      if (refused > 0) {
        this.exceptions.push({ batch, ...judged })
        frames = without(frames, judged)
        count -= refused
      }
    }
    const first = this.#tables.log.append(place, frames, count, ascii)
    return { place, first, end: first + count }
  }

  #frames(batch: number): Buffer {
    return Buffer.from(this.#message.arena, this.#field(batch, AT), this.#field(batch, LENGTH))
  }

  #field(batch: number, field: number): number {
    // Indexes come from the header's own length.
    return this.#message.header[batch * BATCH_FIELDS + field]!
  }
}

function without(frames: Buffer, { duplicates, taken }: Judged): Buffer {
  const refused = new Set([...duplicates, ...taken])
  const kept: Buffer[] = []
  const cursor = new FrameCursor(frames)
  while (cursor.next()) if (!refused.has(cursor.index)) kept.push(cursor.frame)
  return Buffer.concat(kept)
}
