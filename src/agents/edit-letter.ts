import { FrameCursor } from '../envelope/frame.ts'
import { rewrite } from '../envelope/rewrite.ts'
import type { Topic } from '../stream/topic.ts'
import { decode } from './decode.ts'

/**
 * A dead letter's datum with other data in it, checked as a producer's is. Its id stays: whoever has met the datum knows it again.
 * @param contentType of the new data; default that of the old ones.
 * @throws DATUM_INVALID where it does not match the topic's schema, BODY_MALFORMED where it is not of its content type.
 */
export async function editedFrame(frame: Uint8Array, topic: Topic, data: Uint8Array, contentType?: string): Promise<Uint8Array> {
  const old = new FrameCursor(frame)
  old.next()
  const type = contentType ?? old.contentType
  const edited = rewrite(frame, { data, contentType: type, key: old.key })
  const cursor = new FrameCursor(edited)
  cursor.next()
  const { value, error } = await decode(cursor, topic)
  if (error !== undefined) throw error
  return topic.keyOf === undefined ? edited : rewrite(edited, { data, contentType: type, key: topic.keyOf(value) })
}
