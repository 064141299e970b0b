import { decodeData, isJsonType } from '../envelope/content.ts'
import type { FrameCursor } from '../envelope/frame.ts'
import type { Pipeline } from '../pipeline.ts'
import { MASK, type Masking, masked, maskedKey } from '../stream/masked.ts'

/** What people may see of a datum: `json` where it is JSON, else `data` as Base64; whatever its topic hides is {@link MASK}. */
export interface ShownData {
  readonly key: string | null
  readonly json?: unknown
  readonly data?: string
  /** Why it cannot be decoded, although its content type says that it can. */
  readonly undecodable?: string
}

const EVERYTHING: Masking = { mask: true }
const NOTHING: Masking = {}

/**
 * What a topic hides. One that the pipeline does not declare may have been declared with a mask once: it is hidden whole where the pipeline
 * hides anything at all. Undefined stands for no pipeline, which hides nothing.
 */
export function maskingOf(pipeline: Pipeline | undefined, topic: string): Masking {
  return pipeline === undefined ? NOTHING : (pipeline.topics.get(topic) ?? unknownIn(pipeline))
}

/** The same of a cache. */
export function cacheMaskingOf(pipeline: Pipeline | undefined, cache: string): Masking {
  return pipeline === undefined ? NOTHING : (pipeline.caches.get(cache) ?? unknownIn(pipeline))
}

function unknownIn({ topics, caches }: Pipeline): Masking {
  return [...topics.values(), ...caches.values()].some(({ mask }) => mask !== undefined) ? EVERYTHING : NOTHING
}

/** The topic that a datum is of, also where it lies in a replay topic. @param topic where it lies. */
export function topicOfDatum(cursor: FrameCursor, topic: string): string {
  return cursor.type || topic
}

/** The datum that a cursor stands on. Its bytes are copied: the answer may outlive their batch. */
export function shownData(masking: Masking, cursor: FrameCursor): ShownData {
  const { contentType, key, data } = cursor
  const shownKey = (datum: unknown) => (key === '' ? null : maskedKey(masking, key, datum))
  if (masking.mask === true) return { key: shownKey(undefined), json: MASK }
  let datum: unknown
  try {
    datum = decodeData(contentType, data)
  } catch (error) {
    // That it does not decode may be the very reason why it is looked at. Where in it a field lies is not known then.
    if (masking.mask !== undefined) return { key: shownKey(MASK) === null ? null : MASK, json: MASK }
    const undecodable = isJsonType(contentType) ? { undecodable: error instanceof Error ? error.message : String(error) } : {}
    return { key: shownKey(undefined), data: data.toString('base64'), ...undecodable }
  }
  if (isJsonType(contentType)) return { key: shownKey(datum), json: masked(masking, datum) }
  // Bytes of another kind with a field taken out would be other bytes: where something is hidden, what is left is shown as JSON.
  if (masking.mask !== undefined) return { key: shownKey(datum), json: masked(masking, datum) }
  return { key: shownKey(datum), data: data.toString('base64') }
}
