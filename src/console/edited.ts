import type { StoredLetter } from '../agents/dead-letter.ts'
import { editedFrame } from '../agents/edit-letter.ts'
import { decodeData, isJsonType } from '../envelope/content.ts'
import { FrameCursor } from '../envelope/frame.ts'
import { toJsonText } from '../envelope/json-text.ts'
import { parseRawNumbers } from '../envelope/raw-numbers.ts'
import { MillraceError } from '../errors.ts'
import type { Pipeline } from '../pipeline.ts'
import { MASK, unmasked } from '../stream/masked.ts'
import type { Topic } from '../stream/topic.ts'
import { invalid } from './query.ts'

/**
 * A letter's datum with other data in it, as a person has edited what was shown: checked against its topic, and with what was masked put back.
 * @throws TOPIC_UNKNOWN, QUERY_INVALID, and what {@link editedFrame} throws
 */
export function editedLetter(
  pipeline: Pipeline | undefined,
  letter: Pick<StoredLetter, 'topic'>,
  frame: Uint8Array,
  { data, contentType }: { readonly data: Buffer; readonly contentType: string | undefined },
): Promise<Uint8Array> {
  const topic = topicOf(pipeline, frame, letter)
  return editedFrame(frame, topic, withHidden(topic, frame, data, contentType), contentType)
}

/** An edit with what was masked put back into it: whoever edited it has not seen that. @throws QUERY_INVALID where nobody can tell which it was */
function withHidden(topic: Topic, frame: Uint8Array, data: Buffer, contentType: string | undefined): Buffer {
  const cursor = new FrameCursor(frame)
  cursor.next()
  const type = contentType ?? cursor.contentType
  if (topic.mask === undefined || !data.includes(MASK)) return data
  if (!isJsonType(type))
    throw invalid(`The datum is masked, and not JSON.`, 'Send it as it was shown, with "content_type": "application/json".')
  if (topic.mask === true && data.equals(HIDDEN)) return cursor.data
  const edited = exactly(type, data)
  try {
    return Buffer.from(toJsonText(unmasked(topic, edited, exactly(cursor.contentType, cursor.data))))
  } catch (cause) {
    if (!(cause instanceof TypeError)) throw cause
    throw invalid(cause.message, 'Give the value itself, or leave the field and its neighbours as they were.')
  }
}

/** Decoded, JSON with its numbers as they were written: an edit changes what its editor meant to change and nothing else. */
function exactly(contentType: string, data: Buffer): unknown {
  const decoded = decodeData(contentType, data)
  return isJsonType(contentType) ? parseRawNumbers(data.toString('utf8')) : decoded
}

/** A datum that is hidden whole, as it is shown. */
const HIDDEN = Buffer.from(JSON.stringify(MASK))

/** The topic that a letter's datum must match. @throws TOPIC_UNKNOWN where the pipeline that runs has it no more. */
function topicOf(pipeline: Pipeline | undefined, frame: Uint8Array, letter: Pick<StoredLetter, 'topic'>): Topic {
  const cursor = new FrameCursor(frame)
  cursor.next()
  const name = cursor.type || letter.topic
  const topic = pipeline?.topics.get(name)
  if (topic !== undefined) return topic
  throw new MillraceError('TOPIC_UNKNOWN', `The pipeline that runs here has no topic '${name}'.`, {
    fix: 'Without its schema the datum cannot be checked: edit it where its pipeline runs, or discard the letter.',
  })
}
