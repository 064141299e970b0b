import { FrameCursor } from '../../envelope/frame.ts'
import type { RecordBatch } from '../../stream/stream.ts'

/** Some data of a record batch, side by side. */
export interface Piece {
  readonly frames: Uint8Array
  readonly count: number
}

/**
 * The data of a record batch from an offset on, in pieces of at most `pieceBytes`, or of one datum that is larger. What fits as a whole is
 * not looked into.
 */
export function piecesOf(batch: RecordBatch, from: number, pieceBytes: number): Piece[] {
  if (batch.count === 0) return []
  if (batch.first === from && batch.frames.length <= pieceBytes) return [{ frames: batch.frames, count: batch.count }]
  const pieces: Piece[] = []
  const cursor = new FrameCursor(batch.frames)
  let start = 0
  let end = 0
  let count = 0
  const cut = () => {
    if (count > 0) pieces.push({ frames: batch.frames.subarray(start, end), count })
    start = end
    count = 0
  }
  while (cursor.next()) {
    if (count > 0 && cursor.end - start > pieceBytes) cut()
    end = cursor.end
    if (batch.first + cursor.index < from) start = end
    else count++
  }
  cut()
  return pieces
}
