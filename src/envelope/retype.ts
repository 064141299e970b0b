import { FrameCursor, FrameWriter } from './frame.ts'

/** The frame with the topic that it was first written to: in a replay topic nothing else says what it is. One that has it stays as it is. */
export function retype(frame: Uint8Array, topic: string): Uint8Array {
  const cursor = new FrameCursor(frame)
  cursor.next()
  if (cursor.type !== '') return frame
  const writer = new FrameWriter(frame.length + topic.length)
  writer.add({
    id: cursor.bytes,
    idAt: cursor.idAt,
    supplied: cursor.supplied,
    source: cursor.sourceBytes,
    createdMs: cursor.createdMs,
    contentType: cursor.contentType,
    type: topic,
    key: cursor.key,
    parents: cursor.parents,
    data: cursor.data,
  })
  return writer.take().frames
}
