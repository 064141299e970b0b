import { formatId, ID_BYTES } from '../envelope/data-id.ts'
import type { FrameCursor } from '../envelope/frame.ts'
import { toJsonText } from '../envelope/json-text.ts'
import type { Position } from '../trace/trace.ts'
import type { ShownDatum } from './api/topics.ts'
import { maskingOf, type ShownData, shownData, topicOfDatum } from './masked.ts'
import { iso } from './seen.ts'
import type { OpsContext } from './server.ts'
import { decoded } from './tap/decoded.ts'
import type { Filtered } from './tap/filter.ts'

/** Of a datum, and of its parents, so much is shown. */
const MAX_SHOWN_BYTES = 16_384
const MAX_PARENTS = 100

/** The datum that a cursor stands on, as people may see it, whole. */
export function seenAt(cursor: FrameCursor, topic: string, { pipeline }: Pick<OpsContext, 'pipeline'>): ShownData {
  return shownData(maskingOf(pipeline(), topicOfDatum(cursor, topic)), cursor)
}

/** What a filter looks at: nothing that is not shown, or it would tell what is hidden. */
export function filteredOf(cursor: FrameCursor, shown: ShownData): Filtered {
  return {
    value: 'json' in shown ? shown.json : decoded(cursor.contentType, cursor.data),
    meta: { data_id: cursor.dataId, source: cursor.source, key: shown.key ?? '', content_type: cursor.contentType },
  }
}

/** It goes over a wire cut to a size that a page can draw. */
export function datumToJson(cursor: FrameCursor, at: Position, shown: ShownData): ShownDatum {
  const { topic, partition, offset, appendedMs } = at
  const parents: string[] = []
  for (let i = 0; i < Math.min(cursor.parentCount, MAX_PARENTS); i++) parents.push(formatId(cursor.parents, i * ID_BYTES))
  return {
    topic,
    partition,
    offset,
    appended: iso(appendedMs),
    data_id: cursor.dataId,
    source: cursor.source,
    created: iso(cursor.createdMs),
    key: shown.key,
    content_type: cursor.contentType,
    parents,
    parent_count: cursor.parentCount,
    ...cutToSize(cursor, shown),
  }
}

/** Of bytes their beginning; of what is JSON the beginning of its text, once its topic's mask is in it. */
function cutToSize({ data }: FrameCursor, { json, data: base64 }: ShownData): Pick<ShownDatum, 'json' | 'data' | 'cut'> {
  if (base64 !== undefined) {
    if (data.length <= MAX_SHOWN_BYTES) return { data: base64 }
    return { data: data.subarray(0, MAX_SHOWN_BYTES).toString('base64'), cut: data.length }
  }
  // Its text is hardly longer than the datum is, but for what was bytes.
  if (data.length <= MAX_SHOWN_BYTES / 2) return { json }
  const text = Buffer.from(toJsonText(json))
  return text.length <= MAX_SHOWN_BYTES ? { json } : { data: text.subarray(0, MAX_SHOWN_BYTES).toString('base64'), cut: text.length }
}
