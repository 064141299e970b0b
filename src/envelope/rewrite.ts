import { FrameCursor, FrameWriter } from './frame.ts'

/** What of a frame is written anew: the rest, its id before all, stays. */
export interface NewParts {
  readonly data?: Uint8Array
  readonly contentType?: string
  readonly type?: string
  readonly key?: string
}

/** The frame of the same datum, with the same id, source, time and parents. */
export function rewrite(frame: Uint8Array, parts: NewParts): Uint8Array {
  const cursor = new FrameCursor(frame)
  cursor.next()
  const { data = cursor.data, contentType = cursor.contentType, type = cursor.type, key = cursor.key } = parts
  const writer = new FrameWriter(frame.length + data.length)
  writer.add({
    id: cursor.bytes,
    idAt: cursor.idAt,
    supplied: cursor.supplied,
    source: cursor.sourceBytes,
    createdMs: cursor.createdMs,
    contentType,
    type,
    key,
    parents: cursor.parents,
    data,
  })
  return writer.take().frames
}
