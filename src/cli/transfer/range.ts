import { parseStart, startOffsets } from '../../console/tap/start.ts'
import type { EngineView } from '../../engine/engine.ts'
import type { Start } from '../../stream/stream.ts'
import type { ExportRange } from '../../transfer/export.ts'
import { flag, usage } from '../command.ts'

/** Where a range begins or ends: an offset, or what `tap --from` takes. */
export type Edge = Start | { readonly offset: number }

/** A whole number is an offset: no time is written like that. */
export function parseEdge(text: string, name: string, partition: number | undefined, nowMs: number): Edge {
  if (!/^\d+$/.test(text)) return parseStart(text, nowMs, flag(name))
  if (partition === undefined)
    throw usage(`${name} ${text} is an offset, and each partition counts its own.`, 'Say which one with --partition.')
  const offset = Number(text)
  if (!Number.isSafeInteger(offset)) throw usage(`${name} ${text} is no offset.`, 'It must be a whole number below 2^53.')
  return { offset }
}

/** The positions that lie between two edges now, in each partition asked for, of what is retained. */
export async function rangesOf(
  view: EngineView,
  topic: string,
  { from, to, partition }: { readonly from: Edge; readonly to: Edge; readonly partition: number | undefined },
): Promise<ExportRange[]> {
  const bounds = await view.bounds(topic)
  if (partition !== undefined && partition >= bounds.length)
    throw usage(`${topic} has no partition ${partition}.`, `It has ${bounds.length}, counted from 0.`)
  const [first, end] = [await offsetsAt(view, topic, from, bounds.length), await offsetsAt(view, topic, to, bounds.length)]
  return bounds.flatMap((bound, at) => {
    if (partition !== undefined && partition !== at) return []
    return [{ topic, partition: at, from: Math.max(first[at]!, bound.first), end: Math.min(end[at]!, bound.next) }]
  })
}

async function offsetsAt(view: EngineView, topic: string, edge: Edge, partitions: number): Promise<number[]> {
  return typeof edge === 'object' && 'offset' in edge ? new Array(partitions).fill(edge.offset) : startOffsets(view, topic, edge)
}
