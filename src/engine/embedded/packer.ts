import { BATCH_FIELDS, type Batches, type Slice } from './messages.ts'

/** A batch with its partition as a place. */
export interface PlacedBatch {
  readonly place: number
  readonly frames: Uint8Array
  readonly count: number
  readonly ascii: boolean
}

/** Gathers the bytes of one message into one ArrayBuffer. */
export class Packer {
  readonly #batches: PlacedBatch[] = []
  readonly #blobs: Uint8Array[] = []
  #blobBytes = 0

  batches(batches: readonly PlacedBatch[]): Batches {
    const from = this.#batches.length
    for (const batch of batches) this.#batches.push(batch)
    return { from, count: batches.length }
  }

  bytes(bytes: Uint8Array): Slice {
    const slice = { at: this.#blobBytes, length: bytes.length }
    this.#blobs.push(bytes)
    this.#blobBytes += bytes.length
    return slice
  }

  finish(): { arena: ArrayBuffer; header: Int32Array<ArrayBuffer> } {
    // Not zeroed first: every byte is written.
    const arena = Buffer.allocUnsafeSlow(this.#blobBytes + this.#batches.reduce((sum, b) => sum + b.frames.length, 0))
    let at = 0
    for (const blob of this.#blobs) {
      arena.set(blob, at)
      at += blob.length
    }
    const header = new Int32Array(this.#batches.length * BATCH_FIELDS)
    // Batches of one place lie side by side, in their order: the writer makes one row of them without a copy.
    const order = this.#batches.map((_, index) => index)
    if (order.length > 1) order.sort((a, b) => this.#batches[a]!.place - this.#batches[b]!.place || a - b)
    for (const index of order) {
      const batch = this.#batches[index]!
      arena.set(batch.frames, at)
      header.set([batch.place, batch.count, batch.ascii ? 1 : 0, at, batch.frames.length], index * BATCH_FIELDS)
      at += batch.frames.length
    }
    return { arena: arena.buffer, header }
  }
}
