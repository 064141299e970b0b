import type { ShownDatum } from '../../api/topics.ts'
import { countText } from './numbers.ts'

/** A datum's content in one line: JSON as it is, other bytes as Base64, and how much of it is not shown. */
export function payloadText({ json, data, cut, content_type }: Pick<ShownDatum, 'json' | 'data' | 'cut' | 'content_type'>): string {
  const text = json === undefined ? `${content_type}, Base64: ${data ?? ''}` : JSON.stringify(json)
  return cut === undefined ? text : `${text} … (${countText(cut)} bytes in all)`
}
