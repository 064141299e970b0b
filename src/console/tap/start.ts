import { durationMs } from '../../duration.ts'
import type { EngineView } from '../../engine/engine.ts'
import { parseTime as parseRfc3339 } from '../../envelope/time.ts'
import { offsetSince } from '../../stream/since.ts'
import type { Start } from '../../stream/stream.ts'
import type { Asked } from './asked.ts'

/** `earliest`, `latest`, a time (`2026-01-31T08:00:00Z`) or so long ago (`10m`). */
export function parseStart(text: string, nowMs: number, asked: Asked): Start {
  if (text === 'earliest' || text === 'latest') return text
  const timeMs = timeOf(text, nowMs, asked)
  if (timeMs !== undefined) return { timeMs }
  throw asked.refuse(
    `${asked.name} ${JSON.stringify(text)} is no time.`,
    'It is earliest, latest, a time such as 2026-01-31T08:00:00Z, or so long ago, such as 10m.',
  )
}

/** A time, or so long ago: milliseconds since 1970 UTC. */
export function parseTime(text: string, nowMs: number, asked: Asked): number {
  const timeMs = timeOf(text, nowMs, asked)
  if (timeMs !== undefined) return timeMs
  throw asked.refuse(
    `${asked.name} ${JSON.stringify(text)} is no time.`,
    'It is a time such as 2026-01-31T08:00:00Z, or so long ago, such as 10m.',
  )
}

function timeOf(text: string, nowMs: number, { name }: Asked): number | undefined {
  return /^\d{4}-\d{2}-\d{2}/.test(text) ? parseRfc3339(text) : agoMs(text, nowMs, name)
}

function agoMs(text: string, nowMs: number, name: string): number | undefined {
  if (!/^\d+(\.\d+)?(ms|s|m|h|d)$/.test(text)) return undefined
  return nowMs - durationMs(text, name)
}

/** The offset to begin at in each partition of a topic. @throws TOPIC_UNKNOWN */
export async function startOffsets(view: EngineView, topic: string, start: Start): Promise<number[]> {
  const bounds = await view.bounds(topic)
  if (start === 'earliest') return bounds.map(bound => bound.first)
  if (start === 'latest') return bounds.map(bound => bound.next)
  return Promise.all(bounds.map((bound, partition) => offsetSince(view, { topic, partition }, bound, start.timeMs)))
}
