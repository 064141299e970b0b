import { decoded } from '../../console/tap/decoded.ts'
import type { Filtered } from '../../console/tap/filter.ts'
import { toWire } from '../../envelope/envelope.ts'
import { toJsonText } from '../../envelope/json-text.ts'
import { paint, plain } from '../output.ts'
import { timeText } from '../table.ts'
import type { Place } from './follow.ts'

/** What a filter looks at. */
export function filtered({ cursor }: Place): Filtered {
  return {
    value: decoded(cursor.contentType, cursor.data),
    meta: { data_id: cursor.dataId, source: cursor.source, key: cursor.key, content_type: cursor.contentType },
  }
}

/** One line of JSON: the envelope with its datum decoded (bytes as base64), and where it is. */
export function jsonLine(place: Place, value: unknown): string {
  const { topic, partition, offset, appendedMs, cursor } = place
  const wire = toWire(cursor.envelope(topic), value)
  return toJsonText({
    topic,
    partition,
    offset,
    appended: timeText(appendedMs),
    ...(cursor.key === '' ? {} : { key: cursor.key }),
    ...wire,
  })
}

/** One line for people: when, where, who, which, what. */
export function textLine(place: Place, value: unknown): string {
  const { partition, offset, cursor } = place
  const what =
    value instanceof Uint8Array ? `${cursor.contentType}, ${value.length} bytes` : cursor.isJson ? cursor.dataText : toJsonText(value)
  const head = `${timeText(cursor.createdMs)}  ${`${partition}:${offset}`.padEnd(8)}  ${cursor.dataId}  ${cursor.source}`
  return `${paint('dim', plain(head))}  ${plain(what.replace(/[\r\n]+/g, ' '))}`
}
