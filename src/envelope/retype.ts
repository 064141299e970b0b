import { FrameCursor } from './frame.ts'
import { rewrite } from './rewrite.ts'

/** The frame with the topic that it was first written to: in a replay topic nothing else says what it is. One that has it stays as it is. */
export function retype(frame: Uint8Array, topic: string): Uint8Array {
  const cursor = new FrameCursor(frame)
  cursor.next()
  return cursor.type === '' ? rewrite(frame, { type: topic }) : frame
}
