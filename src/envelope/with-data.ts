import { FrameCursor, FrameWriter } from './frame.ts'

/** What of a frame is written anew: the rest, its id before all, stays. */
export interface NewData {
  readonly data: Uint8Array
  readonly contentType: string
  readonly key: string
}

/** The frame of the same datum, with the same id, source, time and parents, and other data. */
export function withData(frame: Uint8Array, { data, contentType, key }: NewData): Uint8Array {
  const cursor = new FrameCursor(frame)
  cursor.next()
  const writer = new FrameWriter(frame.length + data.length)
  writer.add({
    id: cursor.bytes,
    idAt: cursor.idAt,
    supplied: cursor.supplied,
    source: cursor.sourceBytes,
    createdMs: cursor.createdMs,
    contentType,
    type: cursor.type,
    key,
    parents: cursor.parents,
    data,
  })
  return writer.take().frames
}
